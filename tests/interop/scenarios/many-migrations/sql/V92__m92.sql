CREATE TABLE t92 (id integer);
