INSERT INTO trace (event) VALUES ('R');
