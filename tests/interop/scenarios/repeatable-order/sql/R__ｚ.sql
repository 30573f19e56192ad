INSERT INTO trace (script) VALUES ('R__ｚ');
