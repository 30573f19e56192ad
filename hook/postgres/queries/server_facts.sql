-- One round trip: who and where we are, whether writing is possible, which cluster.
SELECT pg_catalog.current_database(),
       current_user,
       pg_catalog.current_schema(),
       pg_catalog.current_setting('server_version'),
       pg_catalog.current_setting('server_version_num')::int,
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only')::boolean,
       control.system_identifier::pg_catalog.text,
       checkpoint.timeline_id,
       pg_catalog.current_setting('TimeZone'),
       pg_catalog.current_setting('search_path'),
       (extract(epoch FROM pg_catalog.current_setting('deadlock_timeout')::interval)
        OPERATOR(pg_catalog.*) 1000)::int,
       pg_catalog.pg_backend_pid(),
       extract(epoch FROM pg_catalog.clock_timestamp())::double precision,
       pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  FROM pg_catalog.pg_control_system() AS control,
       pg_catalog.pg_control_checkpoint() AS checkpoint
