-- A sequence that was set back, as behind a switch to a logical replica, gives numbers under
-- which nobody would take the row for the last one. Then the path fails, and no row stays; with
-- an error that hardly any trigger on the table has.
WITH begun AS (
    INSERT INTO {ledger}
           (command, run_id, started_at, set_digest, version_before, namespace, pod, job, job_uid,
            marker_name, marker_lsn, marker_time, marker_timeline, report)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::pg_catalog.jsonb)
    RETURNING id, pg_catalog.jsonb_extract_path_text(report, 'history') AS history)
SELECT begun.id,
       pg_catalog.jsonb_path_query_first(pg_catalog.jsonb_strip_nulls(
           pg_catalog.jsonb_build_object('is_last', CASE WHEN NOT EXISTS (
               SELECT FROM {ledger} AS other
                WHERE other.id OPERATOR(pg_catalog.>) begun.id
                  AND coalesce(pg_catalog.jsonb_extract_path_text(other.report, 'history')
                               OPERATOR(pg_catalog.=) begun.history, true)) THEN 1 END)),
           'strict $.is_last'::pg_catalog.jsonpath)
  FROM begun
