CREATE TEMPORARY TABLE scratch (id integer);
SET search_path = audit;
INSERT INTO audit.trace (event) VALUES ('beforeMigrate');
