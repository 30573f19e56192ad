-- What a script that begins now finds in the session, apart from the limits of its attempt.
SELECT current_user::pg_catalog.text,
       session_user::pg_catalog.text,
       ARRAY(SELECT ARRAY[x.name, coalesce(pg_catalog.current_setting(x.name, true), '')]
               FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS x(name))
