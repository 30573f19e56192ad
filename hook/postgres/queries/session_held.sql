-- Most sessions have no schema for what is temporary: then nothing is looked for in it.
-- Whatever is in it depends on it, by which the server clears it up.
(SELECT coalesce(pg_catalog.jsonb_agg(h.what ORDER BY h.what), '[]'::pg_catalog.jsonb)
   FROM (SELECT x.what
           FROM pg_catalog.jsonb_array_elements_text({told}::pg_catalog.jsonb) AS x(what)
         UNION ALL
         SELECT pg_catalog.concat('setting ', x.name)
           FROM (SELECT {settings} AS now,
                        CASE WHEN pg_catalog.length(
                                      pg_catalog.current_setting('presync.begun', true))
                                  OPERATOR(pg_catalog.>) 0
                             THEN pg_catalog.current_setting('presync.begun', true)
                             ELSE '{}'
                        END::pg_catalog.jsonb AS begun
                 OFFSET 0) AS s,
                pg_catalog.jsonb_object_keys(s.begun OPERATOR(pg_catalog.||) s.now) AS x(name)
          WHERE NOT coalesce((s.begun OPERATOR(pg_catalog.->>) x.name)
                             OPERATOR(pg_catalog.=) (s.now OPERATOR(pg_catalog.->>) x.name), false)
         UNION ALL
         SELECT pg_catalog.concat('temporary ', o.type, ' ', coalesce(o.name, o.identity))
           FROM pg_catalog.pg_depend AS d,
                pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) AS o
          WHERE pg_catalog.pg_my_temp_schema()::pg_catalog.int8 OPERATOR(pg_catalog.>) 0
            AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
            AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
         UNION ALL
         SELECT pg_catalog.concat('prepared statement ', p.name)
           FROM pg_catalog.pg_prepared_statements AS p
          WHERE p.from_sql
         UNION ALL
         SELECT pg_catalog.concat('cursor ', c.name)
           FROM pg_catalog.pg_cursors AS c
          WHERE c.is_holdable
         UNION ALL
         SELECT pg_catalog.concat('advisory lock ', l.classid, ' ', l.objid)
           FROM pg_catalog.pg_locks AS l
          WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory'
            AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
            AND l.granted
            AND NOT (l.classid::pg_catalog.int8 OPERATOR(pg_catalog.=) {classid}
                     AND l.objid::pg_catalog.int8 OPERATOR(pg_catalog.=) {objid}
                     AND l.objsubid OPERATOR(pg_catalog.=) 1
                     AND l.mode OPERATOR(pg_catalog.=) 'ShareLock')) AS h)
