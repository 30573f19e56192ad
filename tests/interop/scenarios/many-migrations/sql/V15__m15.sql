CREATE TABLE t15 (id integer);
