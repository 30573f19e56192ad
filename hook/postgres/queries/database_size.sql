-- Bytes of the database, none where this role may not ask for them.
SELECT CASE WHEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CONNECT')
            THEN pg_catalog.pg_database_size(pg_catalog.current_database()) END
