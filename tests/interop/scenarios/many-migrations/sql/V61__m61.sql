CREATE TABLE t61 (id integer);
