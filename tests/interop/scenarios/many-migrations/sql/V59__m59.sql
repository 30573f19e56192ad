CREATE TABLE t59 (id integer);
