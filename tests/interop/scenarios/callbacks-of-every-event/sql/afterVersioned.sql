INSERT INTO audit.trace (event) VALUES ('afterVersioned');
