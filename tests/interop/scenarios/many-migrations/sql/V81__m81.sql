CREATE TABLE t81 (id integer);
