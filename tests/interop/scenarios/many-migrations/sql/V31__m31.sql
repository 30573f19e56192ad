CREATE TABLE t31 (id integer);
