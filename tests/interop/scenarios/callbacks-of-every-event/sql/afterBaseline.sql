INSERT INTO audit.trace (event) VALUES ('afterBaseline');
