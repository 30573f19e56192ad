INSERT INTO audit.trace (event) VALUES ('a 1');
