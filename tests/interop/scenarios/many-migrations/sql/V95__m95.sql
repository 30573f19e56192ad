CREATE TABLE t95 (id integer);
