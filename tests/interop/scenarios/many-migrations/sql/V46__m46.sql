CREATE TABLE t46 (id integer);
