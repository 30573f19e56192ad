CREATE TABLE t32 (id integer);
