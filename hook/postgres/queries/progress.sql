-- How far the statement of one backend has come. Each phase counts from zero: blocks while a
-- table is read, tuples while they are sorted in, sessions while others are waited for.
SELECT p.command, p.phase,
       CASE WHEN p.lockers_total OPERATOR(pg_catalog.>) 0 THEN p.lockers_done
            WHEN p.blocks_total OPERATOR(pg_catalog.>) 0 THEN p.blocks_done
            ELSE p.tuples_done END,
       CASE WHEN p.lockers_total OPERATOR(pg_catalog.>) 0 THEN p.lockers_total
            WHEN p.blocks_total OPERATOR(pg_catalog.>) 0 THEN p.blocks_total
            ELSE p.tuples_total END,
       CASE WHEN p.current_locker_pid OPERATOR(pg_catalog.>) 0 THEN p.current_locker_pid END
  FROM pg_catalog.pg_stat_progress_create_index AS p
 WHERE p.pid OPERATOR(pg_catalog.=) %s
 UNION ALL
SELECT c.command, c.phase, c.heap_blks_scanned, c.heap_blks_total, NULL
  FROM pg_catalog.pg_stat_progress_cluster AS c
 WHERE c.pid OPERATOR(pg_catalog.=) %s
 UNION ALL
SELECT 'VACUUM', v.phase, v.heap_blks_scanned, v.heap_blks_total, NULL
  FROM pg_catalog.pg_stat_progress_vacuum AS v
 WHERE v.pid OPERATOR(pg_catalog.=) %s
 UNION ALL
SELECT 'ANALYZE', a.phase, a.sample_blks_scanned, a.sample_blks_total, NULL
  FROM pg_catalog.pg_stat_progress_analyze AS a
 WHERE a.pid OPERATOR(pg_catalog.=) %s
