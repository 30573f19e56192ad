CREATE TABLE t96 (id integer);
