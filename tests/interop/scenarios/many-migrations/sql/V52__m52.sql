CREATE TABLE t52 (id integer);
