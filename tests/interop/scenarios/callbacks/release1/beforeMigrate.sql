CREATE TABLE IF NOT EXISTS trace (n serial, event text);
INSERT INTO trace (event) VALUES ('beforeMigrate');
