-- A sequence that was set back, as behind a switch to a logical replica, gives numbers under
-- which nobody would take the row for the last one. Then the division fails, and no row stays.
WITH begun AS (
    INSERT INTO {ledger}
           (command, run_id, started_at, set_digest, version_before, namespace, pod, job, job_uid,
            marker_name, marker_lsn, marker_time, marker_timeline, report)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::pg_catalog.jsonb)
    RETURNING id, pg_catalog.jsonb_extract_path_text(report, 'history') AS history)
SELECT begun.id,
       1 OPERATOR(pg_catalog./) (NOT EXISTS (
           SELECT FROM {ledger} AS other
            WHERE other.id OPERATOR(pg_catalog.>) begun.id
              AND coalesce(pg_catalog.jsonb_extract_path_text(other.report, 'history')
                           OPERATOR(pg_catalog.=) begun.history, true)))::pg_catalog.int4
  FROM begun
