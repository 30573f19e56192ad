-- A schema in which everything has the name of something in pg_catalog and fails when it
-- is used: operators and functions with the very same arguments, tables and types.
CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
DO $do$
DECLARE
    item record;
    body text := $body$ LANGUAGE plpgsql AS $f$ BEGIN RAISE 'captured'; END $f$ $body$;
BEGIN
    FOR item IN
        SELECT o.oid, o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r,
               o.oprresult::regtype AS result
          FROM pg_operator AS o
         WHERE o.oprleft <> 0 AND o.oprright <> 0
           AND 'p' <> ALL (SELECT typtype FROM pg_type WHERE oid IN (o.oprleft, o.oprright, o.oprresult))
    LOOP
        EXECUTE format('CREATE FUNCTION hostile.op%s(%s, %s) RETURNS %s %s',
                       item.oid, item.l, item.r, item.result, body);
        EXECUTE format('CREATE OPERATOR hostile.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = hostile.op%s)',
                       item.oprname, item.l, item.r, item.oid);
    END LOOP;
    -- Better matches than the catalog has, which win even behind pg_catalog.
    CREATE FUNCTION hostile.op1(oid, regclass) RETURNS bool LANGUAGE plpgsql AS $f$ BEGIN RAISE 'captured'; END $f$;
    CREATE OPERATOR hostile.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = hostile.op1);
    FOR item IN
        SELECT p.oid, p.proname, pg_get_function_identity_arguments(p.oid) AS arguments,
               p.proretset, p.prorettype::regtype AS result
          FROM pg_proc AS p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace
           AND p.prokind = 'f'
           AND p.proallargtypes IS NULL
           AND p.provariadic = 0
           AND 'p' <> ALL (SELECT typtype FROM pg_type WHERE oid = ANY (p.proargtypes) OR oid = p.prorettype)
    LOOP
        EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS %s %s %s', item.proname, item.arguments,
                       CASE WHEN item.proretset THEN 'SETOF' ELSE '' END, item.result, body);
    END LOOP;
    FOR item IN
        SELECT relname FROM pg_class
         WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')
    LOOP
        EXECUTE format('CREATE TABLE hostile.%I ()', item.relname);
    END LOOP;
    FOR item IN
        SELECT unnest(ARRAY['text', 'bool', 'int4', 'int8', 'oid', 'xid', 'float8', 'timestamp',
                            'varchar', 'interval', 'regclass', 'name']) AS name
    LOOP
        EXECUTE format('CREATE DOMAIN hostile.%I AS pg_catalog.%I CHECK (false)', item.name, item.name);
    END LOOP;
END $do$;
