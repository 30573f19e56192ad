/*NO LOAD BALANCE*/
-- Which relations are partitioned, of those named; a name without schema means what it will
-- mean to a script, whose search path begins with that of the history.
SELECT wanted.number
  FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[]))
       WITH ORDINALITY AS wanted(schema, relation, number)
 CROSS JOIN LATERAL (
       SELECT c.relkind
         FROM pg_catalog.unnest(
              CASE WHEN wanted.schema IS NULL
                   THEN %s::pg_catalog.text OPERATOR(pg_catalog.||)
                        pg_catalog.current_schemas(true)::pg_catalog.text[]
                   ELSE ARRAY[wanted.schema] END) WITH ORDINALITY AS x(schema, place)
         JOIN pg_catalog.pg_namespace AS n
           ON n.nspname OPERATOR(pg_catalog.=) x.schema::pg_catalog.name
         JOIN pg_catalog.pg_class AS c
           ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
          AND c.relname OPERATOR(pg_catalog.=) wanted.relation::pg_catalog.name
        ORDER BY x.place
        LIMIT 1) AS c
 WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['p', 'I']::pg_catalog."char"[])
