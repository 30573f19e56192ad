INSERT INTO audit.trace (event) VALUES ('after ' || current_setting('search_path'));
