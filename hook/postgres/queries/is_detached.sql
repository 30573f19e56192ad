/*NO LOAD BALANCE*/
-- Whether both tables are there and the second is no partition, pending or not, of any table.
SELECT w.parent IS NOT NULL
   AND w.partition IS NOT NULL
   AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_class AS c
        WHERE c.oid OPERATOR(pg_catalog.=) w.partition
          AND c.relispartition)
  FROM (SELECT pg_catalog.to_regclass(%s::pg_catalog.text) AS parent,
               pg_catalog.to_regclass(%s::pg_catalog.text) AS partition) AS w
