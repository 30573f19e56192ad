INSERT INTO audit.trace (event) VALUES ('afterEachMigrate');
