INSERT INTO audit.trace (event) VALUES ('afterVersioned ' || coalesce(current_setting('app.x', true), 'none') || current_setting('TimeZone') || current_setting('search_path'));
