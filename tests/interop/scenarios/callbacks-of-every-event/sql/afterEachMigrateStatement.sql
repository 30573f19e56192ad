INSERT INTO audit.trace (event) VALUES ('afterEachMigrateStatement');
