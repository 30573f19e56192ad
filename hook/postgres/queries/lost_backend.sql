-- The backend of a connection that this run has lost; the name holds the run's id.
SELECT pid
  FROM pg_catalog.pg_stat_activity
 WHERE pid OPERATOR(pg_catalog.=) %s
   AND pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
   AND application_name OPERATOR(pg_catalog.=) pg_catalog.current_setting('application_name')
