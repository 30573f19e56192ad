CREATE TABLE t33 (id integer);
