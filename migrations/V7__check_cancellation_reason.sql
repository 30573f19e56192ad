-- Reads all orders under a lock that lets readers and writers through.

ALTER TABLE orders VALIDATE CONSTRAINT orders_cancellation_reason_only_if_cancelled;
