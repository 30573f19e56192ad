-- Who waits for a lock, wherever on the server, and for whom. There is at least one row, as
-- it also tells whether our backend is there and how many others use the database. It is known
-- by its login, as a script may change application_name. Sessions of our own run, and
-- maintenance, are marked: that they wait is no damage. pg_locks has waitstart since 14;
-- before that a session has waited for no longer than its query runs.
WITH sessions AS MATERIALIZED (
    SELECT a.pid,
           a.usesysid,
           a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database() AS is_here,
           coalesce(a.application_name OPERATOR(pg_catalog.=)
                    pg_catalog.current_setting('application_name'), false) AS is_ours,
           a.usesysid IS NOT NULL
               AND coalesce(a.backend_type, '') OPERATOR(pg_catalog.<>)
                   ALL (ARRAY['walsender', 'parallel worker']) AS is_client,
           a.query_start
      FROM pg_catalog.pg_stat_activity AS a
),
waits AS (
    SELECT l.pid,
           pg_catalog.pg_blocking_pids(l.pid) AS blockers,
           extract(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)
                   coalesce((pg_catalog.to_jsonb(l) OPERATOR(pg_catalog.->>) 'waitstart')
                            ::timestamp with time zone, s.query_start))::double precision
               AS seconds,
           coalesce(s.is_ours OR NOT s.is_client, true)
               OR l.mode OPERATOR(pg_catalog.=) 'ShareUpdateExclusiveLock' AS is_spared
      FROM pg_catalog.pg_locks AS l
      LEFT JOIN sessions AS s ON s.pid OPERATOR(pg_catalog.=) l.pid
     WHERE NOT l.granted
)
SELECT EXISTS (SELECT 1 FROM sessions AS s JOIN sessions AS o
                   ON o.usesysid OPERATOR(pg_catalog.=) s.usesysid
                WHERE o.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
                  AND s.is_here AND s.pid OPERATOR(pg_catalog.=) %s),
       (SELECT pg_catalog.count(*) FROM sessions AS s
         WHERE s.is_here AND s.is_client AND NOT s.is_ours),
       w.pid,
       w.blockers,
       w.seconds,
       w.is_spared
  FROM (SELECT 1) AS x
  LEFT JOIN waits AS w ON true
