INSERT INTO audit.trace (event) VALUES ('a ' || coalesce(current_setting('app.x', true), 'none') || current_setting('TimeZone') || current_setting('search_path'));
RESET ALL;
