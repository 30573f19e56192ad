-- Where the log ends now. What is inserted and not written yet belongs to it.
SELECT lsn::pg_catalog.text,
       pg_catalog.pg_walfile_name(lsn),
       extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
  FROM pg_catalog.pg_current_wal_insert_lsn() AS lsn
