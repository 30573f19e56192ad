SELECT pg_catalog.set_config('presync.before', {settings}::pg_catalog.text, false)
