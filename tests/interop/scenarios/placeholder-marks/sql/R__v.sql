CREATE VIEW v AS SELECT '@@flyway_table@@ @@name@@ ${name}'::text AS t;
