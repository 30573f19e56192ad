CREATE TABLE t79 (id integer);
