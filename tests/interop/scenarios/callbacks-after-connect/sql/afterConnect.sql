INSERT INTO audit.trace (event) VALUES ('afterConnect');
