-- The other sessions of this database. Without pg_read_all_stats everything but pid, user,
-- application and database is null in the rows of other roles; whether such a session has
-- a transaction open is told by pg_locks, which hides nothing. All sessions of one run
-- carry the same application name and are left out together.
SELECT a.pid,
       coalesce(a.usename, ''),
       coalesce(a.application_name, ''),
       CASE WHEN a.backend_type IS NULL THEN '' ELSE coalesce(host(a.client_addr), 'local') END,
       a.backend_type,
       a.state,
       v.virtualtransaction,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
       CASE WHEN a.state = 'active'
            THEN extract(epoch FROM clock_timestamp() - a.query_start)::float8 END,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8,
       coalesce(a.backend_type = 'autovacuum worker', a.usesysid IS NULL),
       coalesce(a.backend_type = 'autovacuum worker'
                AND position('(to prevent wraparound)' IN a.query) > 0, false),
       current_user
  FROM pg_stat_activity AS a
  LEFT JOIN pg_locks AS v
    ON v.pid = a.pid
   AND v.locktype = 'virtualxid'
   AND v.mode = 'ExclusiveLock'
   AND v.granted
 WHERE a.datname = current_database()
   AND a.pid <> pg_backend_pid()
   AND a.application_name IS DISTINCT FROM current_setting('application_name')
   AND coalesce(a.backend_type, '') NOT IN ('walsender', 'parallel worker')
 ORDER BY a.xact_start NULLS LAST, a.pid
