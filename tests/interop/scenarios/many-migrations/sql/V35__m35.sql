CREATE TABLE t35 (id integer);
