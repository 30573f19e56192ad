-- How far the statement of one backend has come. Each phase of a build counts from zero:
-- blocks while a table is read, tuples while they are sorted in, sessions while others are
-- waited for. The other views go on telling of the blocks of a phase that is over, which are
-- no share of the one that is under way.
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
SELECT c.command, c.phase, c.heap_blks_scanned,
       CASE WHEN c.phase OPERATOR(pg_catalog.=) 'seq scanning heap' THEN c.heap_blks_total
            ELSE 0 END,
       NULL
  FROM pg_catalog.pg_stat_progress_cluster AS c
 WHERE c.pid OPERATOR(pg_catalog.=) %s
 UNION ALL
SELECT 'VACUUM', v.phase,
       CASE WHEN v.phase OPERATOR(pg_catalog.=) 'vacuuming heap' THEN v.heap_blks_vacuumed
            ELSE v.heap_blks_scanned END,
       CASE WHEN v.phase OPERATOR(pg_catalog.=) ANY (ARRAY['scanning heap', 'vacuuming heap'])
            THEN v.heap_blks_total ELSE 0 END,
       NULL
  FROM pg_catalog.pg_stat_progress_vacuum AS v
 WHERE v.pid OPERATOR(pg_catalog.=) %s
 UNION ALL
SELECT 'ANALYZE', a.phase, a.sample_blks_scanned,
       CASE WHEN pg_catalog.starts_with(a.phase, 'acquiring') THEN a.sample_blks_total
            ELSE 0 END,
       NULL
  FROM pg_catalog.pg_stat_progress_analyze AS a
 WHERE a.pid OPERATOR(pg_catalog.=) %s
