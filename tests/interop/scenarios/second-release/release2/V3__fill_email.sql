INSERT INTO customer VALUES (1, 'Ada', 'ada@example.org');
