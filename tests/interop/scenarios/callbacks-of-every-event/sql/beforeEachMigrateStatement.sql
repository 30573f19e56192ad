INSERT INTO audit.trace (event) VALUES ('beforeEachMigrateStatement');
