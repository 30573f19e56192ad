-- Prepared transactions hold their locks until somebody names them again.
SELECT gid,
       owner,
       transaction::pg_catalog.text,
       extract(epoch FROM pg_catalog.clock_timestamp()
                          OPERATOR(pg_catalog.-) prepared)::double precision
  FROM pg_catalog.pg_prepared_xacts
 WHERE database OPERATOR(pg_catalog.=) pg_catalog.current_database()
 ORDER BY prepared
