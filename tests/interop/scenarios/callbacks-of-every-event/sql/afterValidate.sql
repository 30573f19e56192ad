INSERT INTO audit.trace (event) VALUES ('afterValidate');
