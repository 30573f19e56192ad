INSERT INTO trace (script) VALUES ('V1.1__shallow');
