-- Ends one session, or cancels its statement, if it is still the one that was looked at and
-- does what it did then. The conditions of the choice are here once more, as what happened
-- since then counts: our own sessions, replication, superusers, other databases and a vacuum
-- that prevents wraparound are out of reach.
SELECT CASE WHEN %s THEN pg_catalog.pg_terminate_backend(a.pid)
            ELSE pg_catalog.pg_cancel_backend(a.pid) END
  FROM pg_catalog.pg_stat_activity AS a
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) a.usesysid
 WHERE a.pid OPERATOR(pg_catalog.=) %s
   AND a.backend_start OPERATOR(pg_catalog.=) %s::timestamp with time zone
   AND a.state_change OPERATOR(pg_catalog.=) %s::timestamp with time zone
   AND a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND a.backend_type OPERATOR(pg_catalog.=) ANY (ARRAY['client backend', 'autovacuum worker'])
   AND NOT coalesce(r.rolsuper, false)
   AND a.application_name OPERATOR(pg_catalog.<>) pg_catalog.current_setting('application_name')
   AND pg_catalog.strpos(a.query, '(to prevent wraparound)') OPERATOR(pg_catalog.=) 0
