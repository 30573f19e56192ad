INSERT INTO trace VALUES ('fourth');
