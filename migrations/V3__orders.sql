-- An order and its lines. "order" is a reserved word, hence the plural.

CREATE TABLE orders (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL,
    status      text NOT NULL DEFAULT 'open',
    placed_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer (id),
    CONSTRAINT orders_status_known CHECK (status IN ('open', 'paid', 'shipped', 'cancelled'))
);

COMMENT ON TABLE orders IS 'What one customer bought in one go';

CREATE TABLE order_line (
    order_id   bigint NOT NULL,
    line_no    smallint NOT NULL,
    product_id bigint NOT NULL,
    quantity   integer NOT NULL,
    unit_price numeric(12, 2) NOT NULL,
    CONSTRAINT order_line_pkey PRIMARY KEY (order_id, line_no),
    CONSTRAINT order_line_order_id_fkey
        FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
    CONSTRAINT order_line_product_id_fkey FOREIGN KEY (product_id) REFERENCES product (id),
    CONSTRAINT order_line_quantity_positive CHECK (quantity > 0),
    CONSTRAINT order_line_unit_price_not_negative CHECK (unit_price >= 0)
);

COMMENT ON TABLE order_line IS 'One product within an order';
COMMENT ON COLUMN order_line.unit_price IS 'The price at the time of the order; product.price moves on';

-- The primary key serves the foreign key to orders, as it begins with order_id, and
-- orders.customer_id gets its index in V5, together with the time.
CREATE INDEX order_line_product_id_idx ON order_line (product_id);
