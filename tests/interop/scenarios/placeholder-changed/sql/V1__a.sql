CREATE TABLE a AS SELECT '${mykey}'::text AS t;
