CREATE TABLE t50 (id integer);
