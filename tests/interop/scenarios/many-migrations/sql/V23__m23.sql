CREATE TABLE t23 (id integer);
