CREATE TABLE t40 (id integer);
