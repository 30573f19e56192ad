INSERT INTO audit.trace (event) VALUES ('${TENANT} ${flyway:filename}');
