CREATE TABLE t65 (id integer);
