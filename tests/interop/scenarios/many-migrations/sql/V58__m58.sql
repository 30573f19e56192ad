CREATE TABLE t58 (id integer);
