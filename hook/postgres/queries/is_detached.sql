/*NO LOAD BALANCE*/
-- Whether both tables are there and the second is no partition of the first, pending or not.
SELECT w.parent IS NOT NULL
   AND w.partition IS NOT NULL
   AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_inherits AS h
        WHERE h.inhparent OPERATOR(pg_catalog.=) w.parent
          AND h.inhrelid OPERATOR(pg_catalog.=) w.partition)
  FROM (SELECT pg_catalog.to_regclass(%s::pg_catalog.text) AS parent,
               pg_catalog.to_regclass(%s::pg_catalog.text) AS partition) AS w
