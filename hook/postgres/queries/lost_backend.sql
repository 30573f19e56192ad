-- The backend of a connection that this run has lost; ends it if that is asked for. What a
-- script has SET does not hide it: a pid and its start are one backend's alone. Where the
-- server hides the start, the login has to be ours, and before it is ended the name as well.
WITH sessions AS (
    SELECT a.pid,
           a.usesysid,
           a.application_name,
           extract(epoch FROM a.backend_start)::pg_catalog.text
               OPERATOR(pg_catalog.=) %s::pg_catalog.text AS is_known
      FROM pg_catalog.pg_stat_activity AS a
)
SELECT CASE WHEN %s AND (s.is_known OR s.application_name OPERATOR(pg_catalog.=)
                                       pg_catalog.current_setting('application_name'))
            THEN pg_catalog.pg_terminate_backend(s.pid) END
  FROM sessions AS s
  JOIN sessions AS own ON own.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
 WHERE s.pid OPERATOR(pg_catalog.=) %s
   AND s.pid OPERATOR(pg_catalog.<>) own.pid
   AND coalesce(s.is_known, s.usesysid OPERATOR(pg_catalog.=) own.usesysid)
