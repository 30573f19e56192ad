CREATE TABLE t97 (id integer);
