INSERT INTO audit.trace (event) VALUES ('${x}');
