INSERT INTO audit.trace (event) VALUES ('${tenant} ${flyway:filename} ${flyway:table} ${flyway:defaultSchema} ${flyway:user}');
