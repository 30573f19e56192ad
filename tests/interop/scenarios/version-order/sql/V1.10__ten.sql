INSERT INTO trace (script) VALUES ('V1.10__ten');
