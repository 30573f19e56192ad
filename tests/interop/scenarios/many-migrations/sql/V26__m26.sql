CREATE TABLE t26 (id integer);
