CREATE TABLE a AS SELECT '${nothing}'::text AS t;
