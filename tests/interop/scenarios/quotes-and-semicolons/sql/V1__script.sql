CREATE TABLE "a;b" ("c""d;" text, "e" text DEFAULT 'x;''y;');
INSERT INTO "a;b" VALUES ('1. first;
2. second;', E'it\'s;'), (U&'d\0061t;', $$;$;$$), ($q$ $$; $q$, N'n;'); -- trailing; comment
/* block; /* nested; */ ; */ INSERT INTO "a;b" SELECT '{"a": 1}'::jsonb ->> 'a;b', B'101'::text WHERE '{"k": 1}'::jsonb ? 'k';
DO $body$ BEGIN EXECUTE 'CREATE TABLE inner_one (id integer);'; PERFORM 1; END $body$;
CREATE FUNCTION quoted() RETURNS text LANGUAGE plpgsql AS '
BEGIN
    RETURN ''a;b'';
END;
';
CREATE RULE twice AS ON INSERT TO inner_one DO ALSO (SELECT 1; SELECT 2);
COMMENT ON TABLE inner_one IS 'last one, without a semicolon'
