-- Whom we sell to and what we sell. Money is numeric, never float; text has no
-- arbitrary length; every time is timestamptz.

CREATE TABLE customer (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      text NOT NULL,
    full_name  text NOT NULL,
    country    text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT customer_country_fkey FOREIGN KEY (country) REFERENCES country (code),
    CONSTRAINT customer_email_has_at CHECK (email LIKE '%_@_%')
);

-- Two spellings of one address are one customer.
CREATE UNIQUE INDEX customer_email_key ON customer (lower(email));

-- PostgreSQL does not index the referencing side of a foreign key.
CREATE INDEX customer_country_idx ON customer (country);

COMMENT ON TABLE customer IS 'A person or company that has an account';
COMMENT ON COLUMN customer.email IS 'As typed; unique regardless of case';

CREATE TABLE product (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku        text NOT NULL,
    name       text NOT NULL,
    price      numeric(12, 2) NOT NULL,
    stock      integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT product_sku_key UNIQUE (sku),
    CONSTRAINT product_price_not_negative CHECK (price >= 0),
    CONSTRAINT product_stock_not_negative CHECK (stock >= 0)
);

COMMENT ON TABLE product IS 'Something on the shelf';
COMMENT ON COLUMN product.price IS 'Gross price of one piece in EUR';
COMMENT ON COLUMN product.stock IS 'Pieces that can still be ordered';
