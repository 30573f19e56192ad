SELECT id
  FROM {ledger}
 WHERE run_id OPERATOR(pg_catalog.=) %s::pg_catalog.text
   AND started_at OPERATOR(pg_catalog.=) %s
   AND command OPERATOR(pg_catalog.=) %s::pg_catalog.text
   AND finished_at IS NULL
 ORDER BY id DESC
 LIMIT 1
