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
       report = %s::pg_catalog.jsonb OPERATOR(pg_catalog.||)
                CASE WHEN %s AND pg_catalog.jsonb_exists(report, 'cut_off')
                     THEN pg_catalog.jsonb_build_object(
                              'cut_off', report OPERATOR(pg_catalog.->) 'cut_off'::pg_catalog.text)
                     ELSE '{}'::pg_catalog.jsonb
                END
 WHERE id OPERATOR(pg_catalog.=) %s
RETURNING id
