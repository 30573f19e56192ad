CREATE TABLE audit.trail (id integer);
