CREATE TABLE t19 (id integer);
