CREATE TABLE t71 (id integer);
