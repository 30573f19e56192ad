CREATE TABLE t64 (id integer);
