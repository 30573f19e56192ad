CREATE TABLE t36 (id integer);
