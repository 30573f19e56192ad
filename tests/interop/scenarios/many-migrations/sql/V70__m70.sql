CREATE TABLE t70 (id integer);
