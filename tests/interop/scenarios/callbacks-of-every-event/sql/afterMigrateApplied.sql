INSERT INTO audit.trace (event) VALUES ('afterMigrateApplied');
