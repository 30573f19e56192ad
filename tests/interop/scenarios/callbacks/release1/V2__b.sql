INSERT INTO trace (event) VALUES ('V2');
