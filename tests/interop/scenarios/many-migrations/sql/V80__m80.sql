CREATE TABLE t80 (id integer);
