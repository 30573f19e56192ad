CREATE TABLE t94 (id integer);
