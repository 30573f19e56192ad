UPDATE {ledger}
   SET report = %s::pg_catalog.jsonb,
       recorded_at = pg_catalog.clock_timestamp()
 WHERE id OPERATOR(pg_catalog.=) %s
   AND finished_at IS NULL
RETURNING id
