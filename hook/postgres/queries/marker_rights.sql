-- May a marker be made here? The functions are open to superusers only until somebody grants
-- them, in this very database.
SELECT pg_catalog.pg_is_in_recovery(),
       pg_catalog.has_function_privilege(
           'pg_catalog.pg_create_restore_point(pg_catalog.text)', 'EXECUTE'),
       pg_catalog.has_function_privilege('pg_catalog.pg_switch_wal()', 'EXECUTE')
