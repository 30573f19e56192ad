CREATE TABLE t87 (id integer);
