/*NO LOAD BALANCE*/
-- What stands under the name, how many schemas are missing, and all rows; one row of
-- NULLs when the table is empty. Flyway does not see ranks below zero either. Columns of
-- another type are read as what they should be, or that fails. What needs no row is asked once.
SELECT CASE WHEN pg_catalog.row_security_active(c.oid) THEN 'row security'
            WHEN c.relkind OPERATOR(pg_catalog.=) 'r'
                 AND NOT (SELECT pg_catalog.has_table_privilege(
                     {relation}::pg_catalog.regclass, 'INSERT')) THEN 'no insert'
            ELSE c.relkind::pg_catalog.text END,
       (SELECT pg_catalog.count(*)
          FROM pg_catalog.unnest({schemas}) AS wanted (name)
         WHERE NOT EXISTS (
            SELECT FROM pg_catalog.pg_namespace AS n
             WHERE n.nspname OPERATOR(pg_catalog.=) wanted.name)),
       h.installed_rank::int,
       h.version::pg_catalog.text,
       h.description::pg_catalog.text,
       h.type::pg_catalog.text,
       h.script::pg_catalog.text,
       h.checksum::int,
       h.installed_by::pg_catalog.text,
       pg_catalog.to_char(h.installed_on::timestamp, 'YYYY-MM-DD HH24:MI:SS'),
       h.execution_time::int,
       h.success::boolean
  FROM pg_catalog.pg_class AS c
  LEFT JOIN {history} AS h ON h.installed_rank OPERATOR(pg_catalog.>) -1
 WHERE c.oid OPERATOR(pg_catalog.=) {relation}::pg_catalog.regclass
 ORDER BY h.installed_rank
