-- Where the last checkpoint began, the next transaction number at that time, and the oldest
-- transaction that was running then.
SELECT redo_lsn::text, next_xid, oldest_active_xid::text
  FROM pg_catalog.pg_control_checkpoint()
