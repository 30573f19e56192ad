CREATE TABLE first (id integer);
COMMIT;
BEGIN;
CREATE TABLE second (id integer);
COMMIT;
