INSERT INTO audit.trace (event) VALUES (current_setting('search_path') || coalesce(to_regclass('pg_temp.scratch')::text, ' none'));
SET search_path = audit;
