-- Who holds the advisory lock on a bigint key; pg_stat_activity hides columns of
-- other roles' sessions from a role without pg_read_all_stats.
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
   AND l.database OPERATOR(pg_catalog.=)
       (SELECT oid FROM pg_catalog.pg_database
         WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
   AND l.classid::bigint OPERATOR(pg_catalog.=) %s
   AND l.objid::bigint OPERATOR(pg_catalog.=) %s
   AND l.objsubid OPERATOR(pg_catalog.=) %s
 LIMIT 1
