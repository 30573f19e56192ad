CREATE TABLE t16 (id integer);
