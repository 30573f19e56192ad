CREATE TABLE t28 (id integer);
