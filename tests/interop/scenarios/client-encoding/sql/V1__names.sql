SET client_encoding = 'LATIN1';
CREATE TABLE name (name text);
INSERT INTO name VALUES ('Zoë');
