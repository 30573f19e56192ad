CREATE TABLE t73 (id integer);
