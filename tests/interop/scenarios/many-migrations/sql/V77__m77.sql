CREATE TABLE t77 (id integer);
