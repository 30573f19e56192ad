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
                pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                    'history', report OPERATOR(pg_catalog.->) 'history'::pg_catalog.text,
                    'cut_off', CASE WHEN %s
                                    THEN report OPERATOR(pg_catalog.->) 'cut_off'::pg_catalog.text
                               END))
 WHERE id OPERATOR(pg_catalog.=) %s
RETURNING id
