INSERT INTO trace VALUES ('second');
