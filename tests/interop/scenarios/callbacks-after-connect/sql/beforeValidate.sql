INSERT INTO audit.trace (event) VALUES ('beforeValidate');
