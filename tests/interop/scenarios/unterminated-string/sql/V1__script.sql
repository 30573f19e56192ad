CREATE TABLE first (id integer);
SELECT 'open;
