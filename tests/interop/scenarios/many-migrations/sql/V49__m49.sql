CREATE TABLE t49 (id integer);
