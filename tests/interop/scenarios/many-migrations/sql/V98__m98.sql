CREATE TABLE t98 (id integer);
