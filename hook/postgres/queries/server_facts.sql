-- One round trip: who and where we are, whether writing is possible, which cluster. The name
-- of a WAL file tells the timeline that is written on; the control file learns of a promotion
-- only with the next checkpoint.
SELECT pg_catalog.current_database(),
       current_user,
       pg_catalog.current_schema(),
       pg_catalog.current_setting('server_version'),
       pg_catalog.current_setting('server_version_num')::int,
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only')::boolean,
       control.system_identifier::pg_catalog.text,
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN checkpoint.timeline_id
            ELSE coalesce(
                ('x' OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.pg_walfile_name(
                    pg_catalog.pg_current_wal_insert_lsn()), 1, 8))
                ::pg_catalog.bit(32)::pg_catalog.int4,
                checkpoint.timeline_id) END,
       pg_catalog.current_setting('TimeZone'),
       pg_catalog.current_setting('search_path'),
       (extract(epoch FROM pg_catalog.current_setting('deadlock_timeout')::interval)
        OPERATOR(pg_catalog.*) 1000)::int,
       pg_catalog.pg_backend_pid(),
       (SELECT extract(epoch FROM own.backend_start)::pg_catalog.text
          FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS own),
       extract(epoch FROM pg_catalog.clock_timestamp())::double precision,
       pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  FROM pg_catalog.pg_control_system() AS control,
       pg_catalog.pg_control_checkpoint() AS checkpoint
