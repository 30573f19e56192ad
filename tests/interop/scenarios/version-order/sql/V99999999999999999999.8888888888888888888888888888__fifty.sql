INSERT INTO trace (script) VALUES ('fifty');
