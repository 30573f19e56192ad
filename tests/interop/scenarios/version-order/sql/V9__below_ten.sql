INSERT INTO trace (script) VALUES ('V9__below_ten');
