INSERT INTO audit.trace (event) VALUES ('without');
