CREATE TABLE t38 (id integer);
