CREATE TABLE path3 AS SELECT current_setting('search_path') AS value;
