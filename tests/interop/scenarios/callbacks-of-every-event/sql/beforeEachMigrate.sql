INSERT INTO audit.trace (event) VALUES ('beforeEachMigrate');
