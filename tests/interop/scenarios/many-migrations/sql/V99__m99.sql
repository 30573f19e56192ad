CREATE TABLE t99 (id integer);
