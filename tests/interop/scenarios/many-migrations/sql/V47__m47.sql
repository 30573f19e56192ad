CREATE TABLE t47 (id integer);
