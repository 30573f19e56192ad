/*NO LOAD BALANCE*/
-- Indexes that the server does not use for queries: what a failed or cancelled CREATE
-- INDEX CONCURRENTLY leaves behind. A partitioned index is invalid by design until all
-- of its partitions are attached.
SELECT pg_catalog.format('%I.%I on %I', n.nspname, i.relname, t.relname)
  FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
  JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) x.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) i.relnamespace
 WHERE NOT x.indisvalid
   AND i.relkind OPERATOR(pg_catalog.=) 'i'
   AND i.relpersistence OPERATOR(pg_catalog.<>) 't'
   AND n.nspname OPERATOR(pg_catalog.<>) 'pg_toast'
