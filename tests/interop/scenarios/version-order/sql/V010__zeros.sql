INSERT INTO trace (script) VALUES ('V010__zeros');
