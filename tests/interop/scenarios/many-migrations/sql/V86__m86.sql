CREATE TABLE t86 (id integer);
