CREATE TABLE t68 (id integer);
