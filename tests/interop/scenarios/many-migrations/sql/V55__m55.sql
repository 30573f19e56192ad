CREATE TABLE t55 (id integer);
