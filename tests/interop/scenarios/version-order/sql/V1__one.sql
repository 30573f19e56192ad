INSERT INTO trace (script) VALUES ('V1__one');
