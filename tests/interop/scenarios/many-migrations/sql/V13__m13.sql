CREATE TABLE t13 (id integer);
