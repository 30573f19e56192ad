CREATE VIEW a AS SELECT '${nothing}'::text AS t;
