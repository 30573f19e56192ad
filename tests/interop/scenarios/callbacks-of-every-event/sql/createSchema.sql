INSERT INTO audit.trace (event) VALUES ('createSchema');
