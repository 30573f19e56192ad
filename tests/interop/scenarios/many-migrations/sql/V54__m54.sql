CREATE TABLE t54 (id integer);
