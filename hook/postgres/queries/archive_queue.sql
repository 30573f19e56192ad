-- The finished segments that wait to be archived, and when the oldest was written last.
-- Open to pg_monitor.
SELECT pg_catalog.count(*)::int,
       extract(epoch FROM pg_catalog.min(w.modification))::pg_catalog.float8
  FROM pg_catalog.pg_ls_archive_statusdir() AS s
  JOIN pg_catalog.pg_ls_waldir() AS w ON s.name OPERATOR(pg_catalog.=) (w.name OPERATOR(pg_catalog.||) '.ready')
 WHERE w.name OPERATOR(pg_catalog.~) '^[0-9A-F]{24}$'
