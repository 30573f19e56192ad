CREATE TABLE t18 (id integer);
