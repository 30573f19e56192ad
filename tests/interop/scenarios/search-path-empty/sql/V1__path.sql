CREATE TABLE path AS SELECT pg_catalog.current_setting('search_path') AS value;
