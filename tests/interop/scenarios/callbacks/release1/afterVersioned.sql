INSERT INTO trace (event) VALUES ('afterVersioned');
