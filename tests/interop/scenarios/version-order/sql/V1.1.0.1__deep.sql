INSERT INTO trace (script) VALUES ('V1.1.0.1__deep');
