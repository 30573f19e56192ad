-- What a schema dump would hold, as lines (kind, name, definition) without object ids.
-- Needs an empty search_path, so that the server qualifies every name.
WITH own_schema AS (
    SELECT oid, nspname
    FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
own_class AS (
    SELECT c.*, format('%I.%I', s.nspname, c.relname) AS name
    FROM pg_class AS c
    JOIN own_schema AS s ON s.oid = c.relnamespace
)
SELECT 'schema' AS kind, nspname::text AS name,
    format('owner %s, acl %s', pg_get_userbyid(nspowner), nspacl) AS definition
FROM pg_namespace
WHERE oid IN (SELECT oid FROM own_schema)
UNION ALL
SELECT 'relation', c.name,
    format(
        'kind %s, owner %s, acl %s, persistence %s, options %s, tablespace %s, rls %s, bound %s',
        c.relkind, pg_get_userbyid(c.relowner), c.relacl, c.relpersistence, c.reloptions,
        (SELECT spcname FROM pg_tablespace AS t WHERE t.oid = c.reltablespace),
        c.relrowsecurity, pg_get_expr(c.relpartbound, c.oid)
    )
FROM own_class AS c
UNION ALL
SELECT 'column', format('%s.%s', c.name, a.attnum),
    format(
        '%I %s, not null %s, default %s, identity %s, generated %s, collation %s',
        a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, l.collname
    )
FROM pg_attribute AS a
JOIN own_class AS c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint', format('%s.%I', c.name, k.conname), pg_get_constraintdef(k.oid)
FROM pg_constraint AS k
JOIN own_class AS c ON c.oid = k.conrelid
UNION ALL
SELECT 'domain constraint', format('%s.%I', format_type(k.contypid, NULL), k.conname),
    pg_get_constraintdef(k.oid)
FROM pg_constraint AS k
WHERE k.contypid <> 0 AND k.connamespace IN (SELECT oid FROM own_schema)
UNION ALL
SELECT 'index', c.name, format('%s, valid %s', pg_get_indexdef(c.oid), i.indisvalid)
FROM own_class AS c
JOIN pg_index AS i ON i.indexrelid = c.oid
UNION ALL
SELECT 'view', c.name, pg_get_viewdef(c.oid)
FROM own_class AS c
WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT 'rule', format('%s.%I', c.name, r.rulename), pg_get_ruledef(r.oid)
FROM pg_rewrite AS r
JOIN own_class AS c ON c.oid = r.ev_class
WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT 'trigger', format('%s.%I', c.name, t.tgname), pg_get_triggerdef(t.oid)
FROM pg_trigger AS t
JOIN own_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy', format('%s.%I', c.name, p.polname),
    format('%s using %s', p.polcmd, pg_get_expr(p.polqual, p.polrelid))
FROM pg_policy AS p
JOIN own_class AS c ON c.oid = p.polrelid
UNION ALL
SELECT 'sequence', c.name,
    format(
        'start %s, increment %s, last %s', q.seqstart, q.seqincrement,
        pg_sequence_last_value(c.oid)
    )
FROM own_class AS c
JOIN pg_sequence AS q ON q.seqrelid = c.oid
UNION ALL
SELECT 'routine', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc AS p
WHERE p.pronamespace IN (SELECT oid FROM own_schema) AND p.prokind <> 'a'
UNION ALL
SELECT 'type', t.oid::regtype::text,
    format(
        'type %s, base %s, labels %s', t.typtype, t.typbasetype::regtype,
        (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder)
         FROM pg_enum AS e WHERE e.enumtypid = t.oid)
    )
FROM pg_type AS t
WHERE t.typnamespace IN (SELECT oid FROM own_schema) AND t.typelem = 0
UNION ALL
SELECT 'extension', extname::text, extversion FROM pg_extension
UNION ALL
SELECT 'comment', (pg_identify_object(classoid, objoid, objsubid)).identity, description
FROM pg_description
WHERE objoid >= 16384 -- FirstNormalObjectId: the catalog's own comments are thousands
    AND (pg_identify_object(classoid, objoid, objsubid)).schema IN (SELECT nspname FROM own_schema)
ORDER BY 1, 2, 3
