CREATE TABLE t14 (id integer);
