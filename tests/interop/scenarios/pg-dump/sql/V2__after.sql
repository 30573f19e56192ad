INSERT INTO item (name) VALUES ('three');
