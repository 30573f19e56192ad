INSERT INTO audit.trace (event) VALUES ('beforeMigrate');
