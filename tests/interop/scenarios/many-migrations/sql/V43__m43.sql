CREATE TABLE t43 (id integer);
