CREATE TABLE t45 (id integer);
