INSERT INTO customer VALUES (1, 'Ada');
CREATE INDEX CONCURRENTLY customer_name ON customer (name);
