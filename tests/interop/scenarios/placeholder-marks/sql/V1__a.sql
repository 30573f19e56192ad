CREATE TABLE @@name@@ AS SELECT '${name}' AS a, '@@flyway_database@@' AS b;
