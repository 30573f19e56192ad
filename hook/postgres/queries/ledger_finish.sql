UPDATE {ledger}
   SET finished_at = %s,
       recorded_at = pg_catalog.clock_timestamp(),
       verdict = %s,
       exit_code = %s,
       version_after = %s,
       failed_script = %s,
       failed_checksum = %s,
       failed_rank = %s,
       failed_message = %s,
       report = %s::pg_catalog.jsonb
 WHERE id OPERATOR(pg_catalog.=) %s
RETURNING id
