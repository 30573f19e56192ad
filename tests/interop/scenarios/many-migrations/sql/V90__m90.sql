CREATE TABLE t90 (id integer);
