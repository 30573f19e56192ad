CREATE TABLE t76 (id integer);
