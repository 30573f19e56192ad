CREATE TABLE mine (id integer);
