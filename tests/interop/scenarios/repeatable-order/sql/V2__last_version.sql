INSERT INTO trace (script) VALUES ('V2__last_version');
