CREATE TABLE t56 (id integer);
