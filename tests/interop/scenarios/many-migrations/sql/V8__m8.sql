CREATE TABLE t8 (id integer);
