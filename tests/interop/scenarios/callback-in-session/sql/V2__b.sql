INSERT INTO audit.trace (event) VALUES ('V2 ' || current_setting('search_path'));
