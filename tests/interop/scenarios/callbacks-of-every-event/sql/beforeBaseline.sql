INSERT INTO audit.trace (event) VALUES ('beforeBaseline');
