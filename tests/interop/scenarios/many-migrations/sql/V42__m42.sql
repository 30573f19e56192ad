CREATE TABLE t42 (id integer);
