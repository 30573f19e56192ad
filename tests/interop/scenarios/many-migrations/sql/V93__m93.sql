CREATE TABLE t93 (id integer);
