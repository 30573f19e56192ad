CREATE TABLE t84 (id integer);
