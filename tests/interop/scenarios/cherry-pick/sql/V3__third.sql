INSERT INTO trace VALUES ('third');
