CREATE TABLE t82 (id integer);
