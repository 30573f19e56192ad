CREATE TABLE t25 (id integer);
