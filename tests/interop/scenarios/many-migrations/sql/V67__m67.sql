CREATE TABLE t67 (id integer);
