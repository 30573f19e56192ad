-- What is as it was before counts as changed by whoever has changed it then. RESET ALL has
-- taken back everything, these two with it.
SELECT pg_catalog.set_config('presync.begun', pg_catalog.jsonb_object_agg(
           k.name,
           CASE WHEN s.before IS NOT NULL AND s.begun IS NOT NULL
                     AND coalesce((s.before OPERATOR(pg_catalog.->>) k.name)
                                  OPERATOR(pg_catalog.=) (s.now OPERATOR(pg_catalog.->>) k.name),
                                  (s.before OPERATOR(pg_catalog.->>) k.name) IS NULL
                                  AND (s.now OPERATOR(pg_catalog.->>) k.name) IS NULL)
                THEN s.begun OPERATOR(pg_catalog.->>) k.name
                ELSE s.now OPERATOR(pg_catalog.->>) k.name
           END)::pg_catalog.text, false)
  FROM (SELECT {settings} AS now,
               nullif(pg_catalog.current_setting('presync.before', true), '')
                   ::pg_catalog.jsonb AS before,
               nullif(pg_catalog.current_setting('presync.begun', true), '')
                   ::pg_catalog.jsonb AS begun) AS s,
       pg_catalog.jsonb_object_keys(
           coalesce(s.before, '{}'::pg_catalog.jsonb)
           OPERATOR(pg_catalog.||) coalesce(s.begun, '{}'::pg_catalog.jsonb)
           OPERATOR(pg_catalog.||) s.now) AS k(name)
