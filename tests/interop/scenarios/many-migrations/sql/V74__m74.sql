CREATE TABLE t74 (id integer);
