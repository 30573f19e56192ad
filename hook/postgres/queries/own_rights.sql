-- What the role may do with presync's own tables: NULL for those that are not there. A right on
-- a whole table is one on each of its columns. Owners hold all that they have not revoked.
SELECT pg_catalog.has_database_privilege(pg_catalog.current_database()::pg_catalog.text, 'CREATE'),
       (SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE')
          FROM pg_catalog.pg_namespace AS n
         WHERE n.nspname OPERATOR(pg_catalog.=) %s),
       (SELECT pg_catalog.bool_and(pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'INSERT'))
          FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%s)
           AND a.attnum OPERATOR(pg_catalog.>) 0
           AND NOT a.attisdropped
           AND a.attname OPERATOR(pg_catalog.=) ANY (%s::pg_catalog.text[])),
       (SELECT ARRAY(SELECT wanted.name
                       FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS wanted (name)
                      WHERE NOT pg_catalog.has_table_privilege(c.oid, wanted.name))
          FROM pg_catalog.pg_class AS c
         WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%s))
