INSERT INTO audit.trace (event) VALUES ('B');
