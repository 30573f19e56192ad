-- Backends that are in a transaction of a run whose connection with a migration lock is
-- gone: they work on for nobody. pg_locks tells of everybody's transactions; of another
-- role's session pg_stat_activity shows the name at least.
SELECT l.pid,
       coalesce(a.usename, ''),
       coalesce(a.application_name, ''),
       CASE WHEN a.backend_start IS NOT NULL
            THEN coalesce(pg_catalog.host(a.client_addr), 'local') ELSE '' END,
       coalesce(a.state, ''),
       extract(epoch FROM a.backend_start)::double precision
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) l.pid
 WHERE l.locktype OPERATOR(pg_catalog.=) 'virtualxid'
   AND l.mode OPERATOR(pg_catalog.=) 'ExclusiveLock'
   AND l.granted
   AND a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND pg_catalog.starts_with(a.application_name, 'presync/')
   AND a.application_name OPERATOR(pg_catalog.<>)
       pg_catalog.current_setting('application_name')
   -- The migration lock is never on the connection that works; a script may lock for itself.
   AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_locks AS k
         JOIN pg_catalog.pg_stat_activity AS o ON o.pid OPERATOR(pg_catalog.=) k.pid
        WHERE k.locktype OPERATOR(pg_catalog.=) 'advisory'
          AND k.granted
          AND k.pid OPERATOR(pg_catalog.<>) a.pid
          AND o.datname OPERATOR(pg_catalog.=) a.datname
          AND o.application_name OPERATOR(pg_catalog.=) a.application_name)
 ORDER BY l.pid
