CREATE TABLE half (id integer);
INSERT INTO missing VALUES (1);
