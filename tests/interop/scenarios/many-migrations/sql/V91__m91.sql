CREATE TABLE t91 (id integer);
