INSERT INTO audit.trace (event) VALUES ('b');
