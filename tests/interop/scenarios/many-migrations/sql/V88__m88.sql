CREATE TABLE t88 (id integer);
