CREATE TABLE t12 (id integer);
