-- A sequence that was set back, as behind a switch to a logical replica, gives numbers under
-- which nobody would take the row for the last one.
INSERT INTO {ledger} AS ledger
       (command, run_id, started_at, set_digest, version_before, namespace, pod, job, job_uid,
        marker_name, marker_lsn, marker_time, marker_timeline, report)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::pg_catalog.jsonb)
RETURNING id, NOT EXISTS (
    SELECT FROM {ledger} AS other
     WHERE other.id OPERATOR(pg_catalog.>) ledger.id
       AND coalesce(pg_catalog.jsonb_extract_path_text(other.report, 'history')
                    OPERATOR(pg_catalog.=)
                    pg_catalog.jsonb_extract_path_text(ledger.report, 'history'), true))
