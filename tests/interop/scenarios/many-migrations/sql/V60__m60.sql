CREATE TABLE t60 (id integer);
