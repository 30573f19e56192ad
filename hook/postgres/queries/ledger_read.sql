SELECT command,
       run_id,
       extract(epoch FROM started_at)::pg_catalog.float8,
       extract(epoch FROM finished_at)::pg_catalog.float8,
       verdict,
       exit_code,
       set_digest,
       version_before,
       version_after,
       pod,
       failed_script,
       failed_checksum,
       failed_rank,
       failed_message,
       marker_name,
       marker_lsn::pg_catalog.text,
       extract(epoch FROM marker_time)::pg_catalog.float8,
       marker_timeline,
       pg_catalog.jsonb_path_query_first(report, '$.stages[*].findings[*].cut_off')
           OPERATOR(pg_catalog.#>>) '{}'::pg_catalog.text[],
       extract(epoch FROM recorded_at)::pg_catalog.float8,
       extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
  FROM {ledger}
 ORDER BY id DESC
 LIMIT %s
