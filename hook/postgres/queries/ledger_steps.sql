SELECT pg_catalog.jsonb_extract_path_text(report, 'cut_off', 'done')::pg_catalog.int4,
       coalesce(pg_catalog.jsonb_extract_path(report, 'cut_off', 'held'), '[]'::pg_catalog.jsonb)
  FROM {ledger}
 WHERE id OPERATOR(pg_catalog.=) {key}
