-- Where the server stands in its log, and what it says of its archiving. Everything here is
-- open to every role. The command itself is not read: it may hold credentials. The insert
-- position is never at the very beginning of a segment, so its file name tells the timeline
-- that is written on; the control file learns of a promotion only with the next checkpoint.
SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')),
       pg_catalog.substr(
           pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8),
       pg_catalog.pg_current_wal_lsn()::pg_catalog.text,
       extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8,
       pg_catalog.current_setting('archive_mode'),
       pg_catalog.current_setting('wal_level'),
       coalesce(pg_catalog.current_setting('archive_command', true), '')
               OPERATOR(pg_catalog.<>) ALL (ARRAY['', '(disabled)'])
           OR coalesce(pg_catalog.current_setting('archive_library', true), '')
               OPERATOR(pg_catalog.<>) '',
       a.last_archived_wal,
       extract(epoch FROM a.last_archived_time)::pg_catalog.float8,
       a.last_failed_wal,
       extract(epoch FROM a.last_failed_time)::pg_catalog.float8,
       a.failed_count::int,
       extract(epoch FROM a.stats_reset)::pg_catalog.float8,
       pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()),
       pg_catalog.has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE'),
       pg_catalog.has_function_privilege('pg_catalog.pg_ls_archive_statusdir()', 'EXECUTE')
           AND pg_catalog.has_function_privilege('pg_catalog.pg_ls_waldir()', 'EXECUTE')
  FROM pg_catalog.pg_stat_archiver AS a
