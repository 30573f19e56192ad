SELECT command::pg_catalog.text,
       run_id::pg_catalog.text,
       extract(epoch FROM started_at)::pg_catalog.float8,
       extract(epoch FROM finished_at)::pg_catalog.float8,
       verdict,
       exit_code,
       set_digest::pg_catalog.text,
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
       coalesce(pg_catalog.jsonb_path_query_first(report, '$.stages[*].findings[*].cut_off'),
                pg_catalog.jsonb_path_query_first(report, '$.cut_off')),
       pg_catalog.jsonb_path_query_first(report, '$.noted'),
       extract(epoch FROM recorded_at)::pg_catalog.float8,
       extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
  FROM {ledger}
 WHERE coalesce(pg_catalog.jsonb_extract_path_text(report, 'history') OPERATOR(pg_catalog.=) %s,
                true)
 ORDER BY id::pg_catalog.int8 DESC
 LIMIT %s
