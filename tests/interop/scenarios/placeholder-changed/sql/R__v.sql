CREATE OR REPLACE VIEW v AS SELECT '${mykey}'::text AS t;
