-- Where the last checkpoint began, the next transaction number at that time, and the oldest
-- transaction that was running then; and how many seconds lie between two checkpoints.
SELECT redo_lsn::pg_catalog.text,
       next_xid,
       oldest_active_xid::pg_catalog.text,
       extract(epoch FROM pg_catalog.current_setting('checkpoint_timeout')::interval)::pg_catalog.float8
  FROM pg_catalog.pg_control_checkpoint()
