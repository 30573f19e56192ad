SELECT pg_catalog.jsonb_extract_path_text(report, 'cut_off', 'done')::pg_catalog.int4
  FROM {ledger}
 WHERE id OPERATOR(pg_catalog.=) {key}
