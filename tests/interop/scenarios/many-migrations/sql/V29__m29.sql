CREATE TABLE t29 (id integer);
