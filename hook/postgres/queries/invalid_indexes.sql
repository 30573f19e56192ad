/*NO LOAD BALANCE*/
-- Indexes that the server does not use for queries: what a failed or cancelled CREATE
-- INDEX CONCURRENTLY leaves behind. A partitioned index is invalid by design until all
-- of its partitions are attached. Who is at work on an index holds a lock on its table;
-- pg_stat_progress_create_index shows to everybody at least that there is such a process.
-- Who rebuilds the indexes of a table rebuilds that of its TOAST table with them.
SELECT pg_catalog.format('%%I.%%I', n.nspname, i.relname),
       CASE WHEN h.oid IS NULL THEN pg_catalog.quote_ident(t.relname)
            ELSE pg_catalog.format('the TOAST table of %%I', h.relname) END, (
       SELECT pg_catalog.min(p.pid)
         FROM pg_catalog.pg_stat_progress_create_index AS p
         JOIN pg_catalog.pg_locks AS l ON l.pid OPERATOR(pg_catalog.=) p.pid
        WHERE l.locktype OPERATOR(pg_catalog.=) 'relation'
          AND l.database OPERATOR(pg_catalog.=) p.datid
          AND l.relation OPERATOR(pg_catalog.=) x.indrelid
          AND l.mode OPERATOR(pg_catalog.=) 'ShareUpdateExclusiveLock'
          AND l.granted)
  FROM (SELECT %s::pg_catalog.text AS scope,
               %s::pg_catalog.text AS relation,
               %s::pg_catalog.text AS index) AS w
 CROSS JOIN pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
  JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) x.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) i.relnamespace
  LEFT JOIN pg_catalog.pg_class AS h ON t.relkind OPERATOR(pg_catalog.=) 't'
        AND h.reltoastrelid OPERATOR(pg_catalog.=) t.oid
 WHERE NOT x.indisvalid
   AND i.relkind OPERATOR(pg_catalog.=) 'i'
   AND i.relpersistence OPERATOR(pg_catalog.<>) 't'
   AND (w.scope OPERATOR(pg_catalog.=) 'anywhere'
        -- What the command was to drop.
        OR (w.scope OPERATOR(pg_catalog.=) 'itself'
            AND i.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(w.relation))
        -- Where the command itself names or chooses the name of the index.
        OR ((w.scope OPERATOR(pg_catalog.=) 'named' OR w.scope OPERATOR(pg_catalog.=) 'on table')
            AND t.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(w.relation)
            AND (w.index IS NULL
                 OR i.relname OPERATOR(pg_catalog.=)
                    (pg_catalog.parse_ident(w.index))[1]::pg_catalog.name))
        -- Where it builds a copy of an index beside it.
        OR (i.relname OPERATOR(pg_catalog.~) '_cc(new|old)[0-9]*$'
            AND (w.scope OPERATOR(pg_catalog.=) 'of database'
                 OR (w.scope OPERATOR(pg_catalog.=) 'of schema'
                     AND coalesce(h.relnamespace, t.relnamespace) OPERATOR(pg_catalog.=)
                         pg_catalog.to_regnamespace(w.relation))
                 OR (w.scope OPERATOR(pg_catalog.=) 'of table'
                     AND (t.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(w.relation)
                          OR h.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(w.relation)
                          OR coalesce(h.oid, t.oid) OPERATOR(pg_catalog.=) ANY (ARRAY(
                             SELECT p.relid
                               FROM pg_catalog.pg_partition_tree(
                                    pg_catalog.to_regclass(w.relation)) AS p))))
                 OR (w.scope OPERATOR(pg_catalog.=) 'of index'
                     AND t.oid OPERATOR(pg_catalog.=) ANY (ARRAY(
                         SELECT o.indrelid FROM pg_catalog.pg_index AS o
                          WHERE o.indexrelid OPERATOR(pg_catalog.=)
                                pg_catalog.to_regclass(w.relation)
                             OR o.indexrelid OPERATOR(pg_catalog.=) ANY (ARRAY(
                                SELECT p.relid
                                  FROM pg_catalog.pg_partition_tree(
                                       pg_catalog.to_regclass(w.relation)) AS p))))))))
