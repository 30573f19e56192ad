INSERT INTO trace (event) VALUES ('S');
