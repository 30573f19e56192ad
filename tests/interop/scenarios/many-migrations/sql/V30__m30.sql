CREATE TABLE t30 (id integer);
