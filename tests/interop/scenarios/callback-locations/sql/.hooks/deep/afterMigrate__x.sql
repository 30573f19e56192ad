INSERT INTO audit.trace (event) VALUES ('afterMigrate x');
