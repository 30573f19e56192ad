CREATE TABLE t34 (id integer);
