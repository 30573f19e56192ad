-- Every lock on the named relations, their partitions and children, held or waited for.
-- pg_locks shows all sessions to every role. A name that exists without a lock gives one
-- row with nulls. One copy of pg_locks serves the whole query: reading it is not free.
WITH RECURSIVE locks AS MATERIALIZED (
    SELECT * FROM pg_locks
),
wanted AS (
    SELECT name, on_table, to_regclass(name)::oid AS relid
      FROM unnest(%s::text[], %s::bool[]) AS x(name, on_table)
),
tree(name, on_table, relid) AS (
    SELECT w.name, w.on_table, coalesce(i.indrelid, w.relid)
      FROM wanted AS w
      LEFT JOIN pg_index AS i ON w.on_table AND i.indexrelid = w.relid
     WHERE w.relid IS NOT NULL
     UNION
    SELECT t.name, t.on_table, h.inhrelid
      FROM tree AS t
      JOIN pg_inherits AS h ON h.inhparent = t.relid
)
SELECT t.name,
       t.on_table,
       t.relid::regclass::text,
       l.mode,
       l.granted,
       l.pid,
       p.transactionid::text,
       coalesce(c.relfrozenxid <> '0'::xid
                AND (age(c.relfrozenxid)
                     > current_setting('autovacuum_freeze_max_age')::int
                  OR mxid_age(c.relminmxid)
                     > current_setting('autovacuum_multixact_freeze_max_age')::int), false)
  FROM tree AS t
  JOIN pg_class AS c ON c.oid = t.relid
  LEFT JOIN locks AS l
    ON l.locktype = 'relation'
   AND l.relation = t.relid
   AND l.mode <> 'SIReadLock'
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  LEFT JOIN locks AS p
    ON l.pid IS NULL
   AND p.pid IS NULL
   AND p.locktype = 'transactionid'
   AND p.virtualtransaction = l.virtualtransaction
