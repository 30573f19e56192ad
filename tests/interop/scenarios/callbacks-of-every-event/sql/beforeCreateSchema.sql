INSERT INTO audit.trace (event) VALUES ('beforeCreateSchema');
