/*NO LOAD BALANCE*/
-- Whether this partition is on its way out of this table: PostgreSQL 14 and later know.
SELECT 1
  FROM (SELECT %s::pg_catalog.text AS parent, %s::pg_catalog.text AS partition) AS w
 CROSS JOIN pg_catalog.pg_inherits AS h
 WHERE h.inhparent OPERATOR(pg_catalog.=) pg_catalog.to_regclass(w.parent)
   AND h.inhrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(w.partition)
   AND (pg_catalog.to_jsonb(h) OPERATOR(pg_catalog.->>) 'inhdetachpending')::pg_catalog.bool
