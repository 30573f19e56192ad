CREATE TABLE t75 (id integer);
