CREATE TABLE path1 AS SELECT current_setting('search_path') AS value;
CREATE SCHEMA other;
SET search_path = other;
CREATE TABLE here (id integer);
