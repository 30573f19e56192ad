CREATE TABLE t89 (id integer);
