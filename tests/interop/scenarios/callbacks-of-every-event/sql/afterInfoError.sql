INSERT INTO audit.trace (event) VALUES ('afterInfoError');
