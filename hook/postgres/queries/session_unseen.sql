-- What may keep something in a session that no view shows: code of which we know the text and
-- that says so, code of which we do not know it, and extensions that are not known to keep
-- nothing. SET in front of a quote or a percent sign is put together by PL/pgSQL. There is no
-- backslash in the pattern, as a setting says what that means.
SELECT u.what
  FROM (SELECT pg_catalog.concat('extension ', e.extname) AS what
          FROM pg_catalog.pg_extension AS e
         WHERE NOT e.extname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ('{
                   adminpack, amcheck, bloom, btree_gin, btree_gist, citext, cube, dict_int,
                   dict_xsyn, earthdistance, file_fdw, fuzzystrmatch, hstore, intagg, intarray,
                   isn, lo, ltree, pageinspect, pg_buffercache, pg_freespacemap, pg_prewarm,
                   pg_stat_statements, pg_trgm, pg_visibility, pg_walinspect, pgcrypto,
                   pgrowlocks, pgstattuple, plpgsql, postgres_fdw, seg, tablefunc, tcn,
                   tsm_system_rows, tsm_system_time, unaccent, uuid-ossp, vector
                   }'::pg_catalog.text[])
        UNION ALL
        SELECT pg_catalog.concat('function ', n.nspname, '.', p.proname)
          FROM pg_catalog.pg_proc AS p
          JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
          JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang
         WHERE NOT n.nspname OPERATOR(pg_catalog.=)
                   ANY ('{pg_catalog, information_schema}'::pg_catalog.name[])
           AND NOT p.prokind OPERATOR(pg_catalog.=) 'a'
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                            WHERE d.classid OPERATOR(pg_catalog.=)
                                  'pg_catalog.pg_proc'::pg_catalog.regclass
                              AND d.objid OPERATOR(pg_catalog.=) p.oid
                              AND d.deptype OPERATOR(pg_catalog.=) 'e')
           AND CASE WHEN l.lanname OPERATOR(pg_catalog.=) ANY ('{sql,plpgsql}'::pg_catalog.name[])
                    THEN pg_catalog.pg_get_functiondef(p.oid) OPERATOR(pg_catalog.~*)
                         ('[[:<:]](set_config|setseed|currval|lastval)[[:>:]]'
                          '|[[:<:]]load[[:space:]]+'''
                          '|[[:<:]]set[[:space:]]+(session[[:space:]]+)?'
                              '("?[[:alnum:]_$]+"?[[:space:]]*[.]|%|'')'
                          '|[[:<:]]alter[[:space:]]+(database|role|user)[[:>:]]')
                    ELSE true
               END) AS u
 ORDER BY u.what
 LIMIT 3
