-- Marks this backend as at work if a script gave that back, and is quicker than a look into
-- pg_locks: the lock of the transaction bridges the moment between the two others, which leave
-- one that was held counted as before. RESET ALL, which follows, lets warnings through again:
-- that of an unlock in vain is for nobody.
SELECT pg_catalog.set_config('client_min_messages', 'error', false),
       pg_catalog.pg_advisory_xact_lock_shared(%s::bigint),
       pg_catalog.pg_advisory_unlock_shared(%s::bigint),
       pg_catalog.pg_advisory_lock_shared(%s::bigint)
