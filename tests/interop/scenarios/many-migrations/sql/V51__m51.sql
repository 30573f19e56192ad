CREATE TABLE t51 (id integer);
