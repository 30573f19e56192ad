-- "My orders, newest first." The table is in use by now, so the index is built
-- without locking out writers; that cannot happen inside a transaction, so nothing
-- else belongs in this file. A build that fails leaves an invalid index behind, and
-- the first statement makes it safe to run the file again.

DROP INDEX CONCURRENTLY IF EXISTS orders_customer_id_placed_at_idx;

CREATE INDEX CONCURRENTLY orders_customer_id_placed_at_idx
    ON orders (customer_id, placed_at DESC);
