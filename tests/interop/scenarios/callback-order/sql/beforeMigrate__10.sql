INSERT INTO audit.trace (event) VALUES ('10');
