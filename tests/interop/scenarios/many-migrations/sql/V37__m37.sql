CREATE TABLE t37 (id integer);
