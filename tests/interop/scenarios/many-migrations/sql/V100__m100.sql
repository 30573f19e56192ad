CREATE TABLE t100 (id integer);
