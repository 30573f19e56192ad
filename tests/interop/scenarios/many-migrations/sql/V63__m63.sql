CREATE TABLE t63 (id integer);
