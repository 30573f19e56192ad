CREATE TABLE t22 (id integer);
