CREATE INDEX CONCURRENTLY customer_id ON customer (id);
