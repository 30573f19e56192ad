-- Who holds the advisory lock on a bigint key; pg_stat_activity hides columns of
-- other roles' sessions from a role without pg_read_all_stats.
SELECT l.pid,
       coalesce(a.usename, ''),
       coalesce(a.application_name, ''),
       CASE WHEN a.backend_start IS NOT NULL
            THEN coalesce(host(a.client_addr), 'local') ELSE '' END,
       coalesce(a.state, ''),
       extract(epoch FROM a.backend_start)::float8
  FROM pg_locks AS l
  LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid::bigint = %s
   AND l.objid::bigint = %s
   AND l.objsubid = %s
 LIMIT 1
