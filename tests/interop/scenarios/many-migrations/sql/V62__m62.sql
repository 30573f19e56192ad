CREATE TABLE t62 (id integer);
