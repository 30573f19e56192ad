-- How far the COPY of one backend has come, since PostgreSQL 14. What a script brings along
-- has no total: the server sees no end before it comes.
SELECT 'COPY',
       pg_catalog.concat(p.tuples_processed, ' rows'),
       p.bytes_processed, p.bytes_total, NULL
  FROM pg_catalog.pg_stat_progress_copy AS p
 WHERE p.pid OPERATOR(pg_catalog.=) %s
