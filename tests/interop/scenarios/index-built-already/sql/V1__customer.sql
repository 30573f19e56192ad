CREATE TABLE customer (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO customer VALUES (1, 'a'), (2, 'a');
