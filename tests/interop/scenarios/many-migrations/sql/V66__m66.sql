CREATE TABLE t66 (id integer);
