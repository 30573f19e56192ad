-- A nullable column without default changes the catalog only. The check is NOT VALID
-- at first: it holds for new rows at once, and reads no old ones while the table is
-- locked. V7 checks the old ones.

ALTER TABLE orders ADD COLUMN cancellation_reason text;

ALTER TABLE orders ADD CONSTRAINT orders_cancellation_reason_only_if_cancelled
    CHECK (cancellation_reason IS NULL OR status = 'cancelled') NOT VALID;

COMMENT ON COLUMN orders.cancellation_reason IS 'In the words of the customer; NULL if not told';
