INSERT INTO audit.trace (event) VALUES ('afterMigrateOperationFinish');
