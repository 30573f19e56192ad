CREATE TABLE t20 (id integer);
