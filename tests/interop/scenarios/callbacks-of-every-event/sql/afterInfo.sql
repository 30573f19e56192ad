INSERT INTO audit.trace (event) VALUES ('afterInfo');
