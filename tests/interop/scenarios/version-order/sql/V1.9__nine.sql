INSERT INTO trace (script) VALUES ('V1.9__nine');
