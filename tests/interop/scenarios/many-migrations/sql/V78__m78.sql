CREATE TABLE t78 (id integer);
