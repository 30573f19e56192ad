/*NO LOAD BALANCE*/
-- What the valid index of this name on this table is made of, and the name of the table.
-- pg_get_indexdef() begins with its own name and the table's, then come method and columns.
SELECT x.indisunique,
       pg_catalog.substr(
           pg_catalog.pg_get_indexdef(i.oid),
           pg_catalog.length(pg_catalog.format(
               'CREATE %%sINDEX %%I ON %%I.%%I',
               CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END,
               i.relname, n.nspname, t.relname
           )) OPERATOR(pg_catalog.+) 1),
       pg_catalog.format('%%I.%%I', n.nspname, t.relname),
       pg_catalog.format('%%I.%%I', n.nspname, i.relname)
  FROM (SELECT %s::pg_catalog.text AS relation, %s::pg_catalog.text AS index) AS w
 CROSS JOIN pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
  JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) x.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) i.relnamespace
 WHERE x.indisvalid
   AND i.relkind OPERATOR(pg_catalog.=) 'i'
   AND (t.relkind OPERATOR(pg_catalog.=) 'r' OR t.relkind OPERATOR(pg_catalog.=) 'm')
   AND i.relpersistence OPERATOR(pg_catalog.<>) 't'
   AND t.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(w.relation)
   AND i.relname OPERATOR(pg_catalog.=) (pg_catalog.parse_ident(w.index))[1]::pg_catalog.name
