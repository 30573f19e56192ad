CREATE TABLE t5 (id integer);
