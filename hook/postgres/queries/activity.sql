-- The other sessions of this database. Without pg_read_all_stats everything but pid, user,
-- application and database is null in the rows of other roles; whether such a session has
-- a transaction open is told by pg_locks, which hides nothing. All sessions of one run
-- carry the same application name and are left out together. Of their SQL no more is read
-- than is asked for.
SELECT a.pid,
       coalesce(a.usename, ''),
       coalesce(a.application_name, ''),
       CASE WHEN a.backend_type IS NULL THEN ''
            ELSE coalesce(pg_catalog.host(a.client_addr), 'local') END,
       a.backend_type,
       a.state,
       v.virtualtransaction,
       extract(epoch FROM pg_catalog.clock_timestamp()
                          OPERATOR(pg_catalog.-) a.xact_start)::double precision,
       CASE WHEN a.state OPERATOR(pg_catalog.=) 'active'
            THEN extract(epoch FROM pg_catalog.clock_timestamp()
                                    OPERATOR(pg_catalog.-) a.query_start)::double precision END,
       extract(epoch FROM pg_catalog.clock_timestamp()
                          OPERATOR(pg_catalog.-) a.state_change)::double precision,
       coalesce(a.backend_type OPERATOR(pg_catalog.=) 'autovacuum worker', a.usesysid IS NULL),
       coalesce(a.backend_type OPERATOR(pg_catalog.=) 'autovacuum worker'
                AND pg_catalog.strpos(a.query, '(to prevent wraparound)')
                    OPERATOR(pg_catalog.>) 0, false),
       CASE WHEN a.backend_type IS NULL THEN ''
            ELSE coalesce(pg_catalog.left(a.query, %s), '') END,
       current_user
  FROM pg_catalog.pg_stat_activity AS a
  LEFT JOIN pg_catalog.pg_locks AS v
    ON v.pid OPERATOR(pg_catalog.=) a.pid
   AND v.locktype OPERATOR(pg_catalog.=) 'virtualxid'
   AND v.mode OPERATOR(pg_catalog.=) 'ExclusiveLock'
   AND v.granted
 WHERE a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
   AND NOT coalesce(a.application_name OPERATOR(pg_catalog.=)
                    pg_catalog.current_setting('application_name'), false)
   AND coalesce(a.backend_type, '') OPERATOR(pg_catalog.<>)
       ALL (ARRAY['walsender', 'parallel worker'])
 ORDER BY a.xact_start NULLS LAST, a.pid
