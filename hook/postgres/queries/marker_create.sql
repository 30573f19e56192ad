-- The end of the record that is written, which is where a restore to that position ends.
SELECT lsn::pg_catalog.text,
       pg_catalog.pg_walfile_name(lsn),
       extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
  FROM pg_catalog.pg_create_restore_point(%s) AS lsn
