CREATE TABLE t72 (id integer);
