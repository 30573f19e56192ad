CREATE TABLE long (id integer);
