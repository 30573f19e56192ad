CREATE TABLE customer (id integer PRIMARY KEY, name text NOT NULL); ALTER TABLE customer ADD COLUMN email text;
