CREATE TABLE path2 AS SELECT current_setting('search_path') AS value;
SELECT pg_catalog.set_config('search_path', '', false);
