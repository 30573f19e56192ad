CREATE TEMPORARY TABLE scratch (id integer);
INSERT INTO audit.trace (event) VALUES (current_setting('search_path'));
