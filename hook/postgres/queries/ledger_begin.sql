INSERT INTO {ledger}
       (command, run_id, started_at, set_digest, version_before, namespace, pod, job, job_uid,
        marker_name, marker_lsn, marker_time, marker_timeline, report)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::pg_catalog.jsonb)
RETURNING id
