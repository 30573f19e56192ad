CREATE TABLE first (id integer);
\set x 1
