-- Behind the COMMIT, as settings and locks of the transaction alone are gone then. Where there
-- was nothing of the kind nothing is written.
UPDATE {ledger}
   SET report = pg_catalog.jsonb_set(report, '{cut_off,held}'::pg_catalog.text[], s.held)
  FROM (SELECT {held} AS held OFFSET 0) AS s
 WHERE id OPERATOR(pg_catalog.=) {key}
   AND finished_at IS NULL
   AND NOT pg_catalog.jsonb_extract_path(report, 'cut_off', 'held')
           OPERATOR(pg_catalog.=) s.held
