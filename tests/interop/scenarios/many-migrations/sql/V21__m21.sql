CREATE TABLE t21 (id integer);
