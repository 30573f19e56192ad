(SELECT pg_catalog.jsonb_object_agg(s.name, s.setting)
   FROM (SELECT p.name, p.setting
           FROM pg_catalog.pg_settings AS p
          WHERE p.source OPERATOR(pg_catalog.=) 'session'
            AND NOT p.name OPERATOR(pg_catalog.=) ANY ('{lock_timeout, statement_timeout,
                transaction_deferrable, transaction_isolation, transaction_read_only}'::pg_catalog.text[])
         UNION ALL
         SELECT 'role', pg_catalog.concat(current_user, ' of ', session_user)) AS s)
