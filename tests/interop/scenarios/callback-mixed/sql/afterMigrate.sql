INSERT INTO customer VALUES (1, 'a');
VACUUM customer;
