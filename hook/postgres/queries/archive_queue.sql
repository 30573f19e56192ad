-- The finished segments that wait to be archived, and when the oldest was written last.
-- Open to pg_monitor.
SELECT count(*)::int,
       extract(epoch FROM min(w.modification))::float8
  FROM pg_catalog.pg_ls_archive_statusdir() AS s
  JOIN pg_catalog.pg_ls_waldir() AS w ON s.name = w.name || '.ready'
 WHERE w.name ~ '^[0-9A-F]{24}$'
