CREATE TABLE t53 (id integer);
