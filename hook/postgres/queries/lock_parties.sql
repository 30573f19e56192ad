-- Sessions by pid, and those of their locks that they wait for or that somebody else does.
-- What belongs to another role is hidden without pg_read_all_stats, its locks are not. The
-- text of its query is looked at only for autovacuum's mark of a vacuum that cannot be put
-- off, and no more of it is read than is asked for.
WITH locks AS MATERIALIZED (
    SELECT l.pid, l.locktype, l.mode, l.granted,
           CASE WHEN l.database OPERATOR(pg_catalog.=)
                     (SELECT oid FROM pg_catalog.pg_database
                       WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
                THEN l.relation::pg_catalog.regclass::pg_catalog.text END AS relation,
           pg_catalog.concat_ws(' ', l.locktype, l.database, l.relation, l.page, l.tuple,
                                l.virtualxid, l.transactionid, l.classid, l.objid, l.objsubid)
               AS object
      FROM pg_catalog.pg_locks AS l
)
SELECT a.pid,
       coalesce(a.usename, ''),
       coalesce(a.application_name, ''),
       CASE WHEN a.backend_type IS NULL THEN ''
            ELSE coalesce(pg_catalog.host(a.client_addr), 'local') END,
       a.backend_type,
       a.state,
       extract(epoch FROM pg_catalog.clock_timestamp()
                          OPERATOR(pg_catalog.-) a.xact_start)::double precision,
       extract(epoch FROM pg_catalog.clock_timestamp()
                          OPERATOR(pg_catalog.-) a.state_change)::double precision,
       coalesce(a.backend_type OPERATOR(pg_catalog.=) 'autovacuum worker', a.usesysid IS NULL),
       coalesce(a.backend_type OPERATOR(pg_catalog.=) 'autovacuum worker'
                AND pg_catalog.strpos(a.query, '(to prevent wraparound)')
                    OPERATOR(pg_catalog.>) 0, false),
       coalesce(r.rolsuper, false),
       a.backend_start::pg_catalog.text,
       a.state_change::pg_catalog.text,
       CASE WHEN a.backend_type IS NULL THEN ''
            ELSE coalesce(pg_catalog.left(a.query, %s), '') END,
       h.locktype,
       h.mode,
       h.granted,
       h.relation
  FROM pg_catalog.pg_stat_activity AS a
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) a.usesysid
  LEFT JOIN locks AS h
    ON h.pid OPERATOR(pg_catalog.=) a.pid
   AND (NOT h.granted
        OR EXISTS (SELECT 1 FROM locks AS w
                    WHERE NOT w.granted
                      AND w.pid OPERATOR(pg_catalog.<>) h.pid
                      AND w.object OPERATOR(pg_catalog.=) h.object))
 WHERE a.pid OPERATOR(pg_catalog.=) ANY (%s::int[])
 ORDER BY a.pid, h.granted, h.relation, h.mode
