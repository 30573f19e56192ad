CREATE TABLE b AS SELECT current_setting('search_path') AS path;
