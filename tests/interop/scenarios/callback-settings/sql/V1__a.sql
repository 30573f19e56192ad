INSERT INTO audit.trace (event) VALUES ('V1 ' || coalesce(current_setting('app.x', true), 'none') || current_setting('TimeZone') || current_setting('search_path'));
