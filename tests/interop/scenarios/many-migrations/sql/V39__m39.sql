CREATE TABLE t39 (id integer);
