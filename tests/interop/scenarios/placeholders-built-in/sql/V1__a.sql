CREATE TABLE seen AS SELECT '${flyway:defaultSchema}' AS a, '${flyway:user}' AS b, '${flyway:database}' AS c, '${flyway:table}' AS d, '${flyway:filename}' AS e, '${flyway:environment}' AS f;
