-- What is as it was before counts as changed by whoever has changed it then. RESET ALL has
-- taken back everything, these two with it. What a RESET has taken back is not there any more.
SELECT pg_catalog.set_config('presync.begun', pg_catalog.jsonb_strip_nulls(
       pg_catalog.jsonb_object_agg(
           x.name,
           CASE WHEN s.before IS NOT NULL AND s.begun IS NOT NULL
                     AND coalesce((s.before OPERATOR(pg_catalog.->>) x.name)
                                  OPERATOR(pg_catalog.=) (s.now OPERATOR(pg_catalog.->>) x.name),
                                  (s.before OPERATOR(pg_catalog.->>) x.name) IS NULL
                                  AND (s.now OPERATOR(pg_catalog.->>) x.name) IS NULL)
                THEN s.begun OPERATOR(pg_catalog.->>) x.name
                ELSE s.now OPERATOR(pg_catalog.->>) x.name
           END))::pg_catalog.text, false)
  FROM (SELECT {settings} AS now,
               CASE WHEN pg_catalog.length(pg_catalog.current_setting('presync.before', true))
                         OPERATOR(pg_catalog.>) 0
                    THEN pg_catalog.current_setting('presync.before', true)
               END::pg_catalog.jsonb AS before,
               CASE WHEN pg_catalog.length(pg_catalog.current_setting('presync.begun', true))
                         OPERATOR(pg_catalog.>) 0
                    THEN pg_catalog.current_setting('presync.begun', true)
               END::pg_catalog.jsonb AS begun) AS s,
       pg_catalog.jsonb_object_keys(
           coalesce(s.before, '{}'::pg_catalog.jsonb)
           OPERATOR(pg_catalog.||) coalesce(s.begun, '{}'::pg_catalog.jsonb)
           OPERATOR(pg_catalog.||) s.now) AS x(name)
