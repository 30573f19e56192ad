CREATE TABLE t85 (id integer);
