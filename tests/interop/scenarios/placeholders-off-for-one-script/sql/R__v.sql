CREATE VIEW v AS SELECT '${nothing}'::text AS t;
