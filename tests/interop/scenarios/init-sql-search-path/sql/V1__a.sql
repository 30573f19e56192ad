CREATE TABLE a AS SELECT current_setting('search_path') AS path, current_setting('TimeZone') AS zone;
