CREATE TABLE t44 (id integer);
