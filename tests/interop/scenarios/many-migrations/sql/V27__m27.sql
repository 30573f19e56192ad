CREATE TABLE t27 (id integer);
