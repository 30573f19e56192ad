CREATE TABLE customer (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO audit.trace (event) VALUES ('V1');
