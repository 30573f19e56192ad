INSERT INTO audit.trace (event) VALUES ('é');
