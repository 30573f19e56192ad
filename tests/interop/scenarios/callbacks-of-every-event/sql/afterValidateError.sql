INSERT INTO audit.trace (event) VALUES ('afterValidateError');
