CREATE TABLE t24 (id integer);
