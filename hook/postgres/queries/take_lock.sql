-- Takes the lock if it is free. The session does nothing else, so the server has no answer
-- to send by which it would notice that its client is gone, with the whole node perhaps: it
-- probes for it as the client probes for the server, instead of after two hours. Where an answer
-- was under way it does not probe, and gives up on that as early, instead of after 15 minutes.
SELECT pg_catalog.pg_try_advisory_lock(%s::bigint),
       pg_catalog.set_config('tcp_keepalives_idle', %s, false),
       pg_catalog.set_config('tcp_keepalives_interval', %s, false),
       pg_catalog.set_config('tcp_keepalives_count', %s, false),
       pg_catalog.set_config('tcp_user_timeout', %s, false)
