-- Prepared transactions hold their locks until somebody names them again.
SELECT gid,
       owner,
       transaction::text,
       extract(epoch FROM clock_timestamp() - prepared)::float8
  FROM pg_prepared_xacts
 WHERE database = current_database()
 ORDER BY prepared
