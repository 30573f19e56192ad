CREATE TABLE t10 (id integer);
