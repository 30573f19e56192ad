CREATE TABLE t57 (id integer);
