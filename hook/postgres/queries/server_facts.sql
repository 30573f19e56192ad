-- One round trip: who and where we are, whether writing is possible, which cluster.
SELECT current_database(),
       current_user,
       current_schema(),
       current_setting('server_version'),
       current_setting('server_version_num')::int,
       pg_is_in_recovery(),
       current_setting('transaction_read_only')::bool,
       control.system_identifier::text,
       checkpoint.timeline_id,
       current_setting('TimeZone'),
       current_setting('search_path'),
       (extract(epoch FROM current_setting('deadlock_timeout')::interval) * 1000)::int,
       pg_backend_pid(),
       extract(epoch FROM clock_timestamp())::float8,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  FROM pg_control_system() AS control,
       pg_control_checkpoint() AS checkpoint
