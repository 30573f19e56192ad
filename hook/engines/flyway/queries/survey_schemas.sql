/*NO LOAD BALANCE*/
-- Of the schemas that belong to the application: those that do not exist, and the first
-- few objects in the others; and those that the role may not create, or nothing in. What
-- makes a schema non-empty is Flyway's definition, which passes over members of extensions;
-- presync's ledger does not count either.
WITH wanted AS (
    SELECT name FROM pg_catalog.unnest({schemas}) AS wanted (name)
), present AS (
    SELECT n.oid, n.nspname
      FROM pg_catalog.pg_namespace AS n
      JOIN wanted ON wanted.name OPERATOR(pg_catalog.=) n.nspname
), ledger AS (
    SELECT c.oid
      FROM pg_catalog.pg_class AS c
      JOIN present ON present.oid OPERATOR(pg_catalog.=) c.relnamespace
     WHERE c.relname OPERATOR(pg_catalog.=) {ledger}
), object AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS catalog, c.oid, c.relname AS name,
           CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'r' THEN 'table'
                WHEN c.relkind OPERATOR(pg_catalog.=) 'v' THEN 'view'
                ELSE 'sequence' END AS kind,
           present.nspname AS schema
      FROM pg_catalog.pg_class AS c
      JOIN present ON present.oid OPERATOR(pg_catalog.=) c.relnamespace
     WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,v,S,t}'::pg_catalog."char"[])
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typname, 'type', present.nspname
      FROM pg_catalog.pg_type AS t
      JOIN present ON present.oid OPERATOR(pg_catalog.=) t.typnamespace
     WHERE t.typcategory OPERATOR(pg_catalog.<>) ALL ('{A,C}'::pg_catalog."char"[])
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.proname, 'function', present.nspname
      FROM pg_catalog.pg_proc AS p
      JOIN present ON present.oid OPERATOR(pg_catalog.=) p.pronamespace
)
SELECT 'missing', wanted.name
  FROM wanted
 WHERE NOT EXISTS (SELECT FROM present WHERE present.nspname OPERATOR(pg_catalog.=) wanted.name)
UNION ALL
SELECT 'barred', wanted.name
  FROM wanted
  LEFT JOIN present ON present.nspname OPERATOR(pg_catalog.=) wanted.name
 WHERE NOT CASE WHEN present.oid IS NULL
                THEN pg_catalog.has_database_privilege(
                    pg_catalog.current_database()::pg_catalog.text, 'CREATE')
                ELSE pg_catalog.has_schema_privilege(present.oid, 'CREATE') END
UNION ALL
SELECT 'history', ''
 WHERE pg_catalog.to_regclass({relation}) IS NOT NULL
UNION ALL
(SELECT 'object', pg_catalog.format('%s %I.%I', object.kind, object.schema, object.name)
   FROM object
  WHERE object.oid OPERATOR(pg_catalog.<>) ALL (SELECT ledger.oid FROM ledger)
    AND NOT EXISTS (
        SELECT
          FROM pg_catalog.pg_depend AS d
         WHERE d.classid OPERATOR(pg_catalog.=) object.catalog
           AND d.objid OPERATOR(pg_catalog.=) object.oid
           AND (d.deptype OPERATOR(pg_catalog.=) 'e'
                OR d.deptype OPERATOR(pg_catalog.=) ANY ('{a,i}'::pg_catalog."char"[])
                   AND d.refobjid OPERATOR(pg_catalog.=) ANY (SELECT ledger.oid FROM ledger)))
  ORDER BY object.kind OPERATOR(pg_catalog.=) 'table' DESC, object.schema, object.name
  LIMIT 3)
