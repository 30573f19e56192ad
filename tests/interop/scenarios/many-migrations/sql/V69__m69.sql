CREATE TABLE t69 (id integer);
