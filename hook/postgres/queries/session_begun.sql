SELECT pg_catalog.set_config('presync.begun', {settings}::pg_catalog.text, false)
