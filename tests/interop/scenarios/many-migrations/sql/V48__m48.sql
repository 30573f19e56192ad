CREATE TABLE t48 (id integer);
