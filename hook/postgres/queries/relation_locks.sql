-- Every lock on the named relations, their partitions and children, held or waited for.
-- pg_locks shows all sessions to every role. A name that exists without a lock gives one
-- row with nulls. One copy of pg_locks serves the whole query: reading it is not free.
WITH RECURSIVE locks AS MATERIALIZED (
    SELECT * FROM pg_catalog.pg_locks
),
wanted AS (
    SELECT name, on_table, pg_catalog.to_regclass(name)::pg_catalog.oid AS relid
      FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::boolean[]))
        AS x(name, on_table)
),
tree(name, on_table, relid) AS (
    SELECT w.name, w.on_table, coalesce(i.indrelid, w.relid)
      FROM wanted AS w
      LEFT JOIN pg_catalog.pg_index AS i
        ON w.on_table AND i.indexrelid OPERATOR(pg_catalog.=) w.relid
     WHERE w.relid IS NOT NULL
     UNION
    SELECT t.name, t.on_table, h.inhrelid
      FROM tree AS t
      JOIN pg_catalog.pg_inherits AS h ON h.inhparent OPERATOR(pg_catalog.=) t.relid
)
SELECT t.name,
       t.on_table,
       t.relid::pg_catalog.regclass::pg_catalog.text,
       l.mode,
       l.granted,
       l.pid,
       p.transactionid::pg_catalog.text,
       coalesce(c.relfrozenxid OPERATOR(pg_catalog.<>) '0'::pg_catalog.xid
                AND (pg_catalog.age(c.relfrozenxid)
                     OPERATOR(pg_catalog.>) pg_catalog.current_setting('autovacuum_freeze_max_age')::int
                  OR pg_catalog.mxid_age(c.relminmxid)
                     OPERATOR(pg_catalog.>)
                     pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::int), false)
  FROM tree AS t
  JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.relid
  LEFT JOIN locks AS l
    ON l.locktype OPERATOR(pg_catalog.=) 'relation'
   AND l.relation OPERATOR(pg_catalog.=) t.relid
   AND l.mode OPERATOR(pg_catalog.<>) 'SIReadLock'
   AND l.database OPERATOR(pg_catalog.=)
       (SELECT oid FROM pg_catalog.pg_database
         WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
  LEFT JOIN locks AS p
    ON l.pid IS NULL
   AND p.pid IS NULL
   AND p.locktype OPERATOR(pg_catalog.=) 'transactionid'
   AND p.virtualtransaction OPERATOR(pg_catalog.=) l.virtualtransaction
