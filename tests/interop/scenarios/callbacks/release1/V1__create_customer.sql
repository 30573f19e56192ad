CREATE TABLE customer (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO trace (event) VALUES ('V1');
