-- Where the log ends now. What is inserted and not written yet belongs to it.
SELECT point.lsn::pg_catalog.text,
       pg_catalog.pg_walfile_name(point.lsn),
       extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
  FROM pg_catalog.pg_current_wal_insert_lsn() AS point (lsn)
