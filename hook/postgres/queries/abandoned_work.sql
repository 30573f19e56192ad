-- Backends that hold the mark of work under a migration lock and are at work. No setting of a
-- script's takes the mark from them, and pg_locks shows it to everybody. A build CONCURRENTLY
-- has no transaction for a moment between two of its own, and is active all the time. So is
-- who asks, to whom a pool may have given a backend with the mark of a killed run.
SELECT l.pid,
       coalesce(a.usename, ''),
       coalesce(a.application_name, ''),
       CASE WHEN a.backend_start IS NOT NULL
            THEN coalesce(pg_catalog.host(a.client_addr), 'local') ELSE '' END,
       coalesce(a.state, ''),
       extract(epoch FROM a.backend_start)::double precision
  FROM pg_catalog.pg_locks AS l
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) l.pid
 WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory'
   AND l.granted
   AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
   AND l.database OPERATOR(pg_catalog.=)
       (SELECT oid FROM pg_catalog.pg_database
         WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
   AND l.classid::bigint OPERATOR(pg_catalog.=) %s
   AND l.objid::bigint OPERATOR(pg_catalog.=) %s
   AND l.objsubid OPERATOR(pg_catalog.=) %s
   AND (coalesce(a.state OPERATOR(pg_catalog.=) 'active', false)
        OR EXISTS (SELECT FROM pg_catalog.pg_locks AS v
                    WHERE v.pid OPERATOR(pg_catalog.=) l.pid
                      AND v.locktype OPERATOR(pg_catalog.=) 'virtualxid'
                      AND v.mode OPERATOR(pg_catalog.=) 'ExclusiveLock'
                      AND v.granted))
 ORDER BY l.pid
