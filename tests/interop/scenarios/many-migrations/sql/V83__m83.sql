CREATE TABLE t83 (id integer);
