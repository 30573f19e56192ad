CREATE TABLE t41 (id integer);
