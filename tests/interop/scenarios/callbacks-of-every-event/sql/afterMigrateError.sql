INSERT INTO audit.trace (event) VALUES ('afterMigrateError');
