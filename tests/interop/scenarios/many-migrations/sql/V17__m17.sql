CREATE TABLE t17 (id integer);
