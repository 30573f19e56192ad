-- The stock is taken where the line is written, in one statement that checks and
-- takes: two orders for the last piece cannot both succeed.

CREATE FUNCTION take_from_stock() RETURNS trigger
    LANGUAGE plpgsql
AS $body$
BEGIN
    UPDATE product
       SET stock = stock - NEW.quantity
     WHERE id = NEW.product_id
       AND stock >= NEW.quantity;

    IF NOT FOUND THEN
        RAISE EXCEPTION 'product % doesn''t have % pieces', NEW.product_id, NEW.quantity
            USING ERRCODE = 'check_violation',
                  HINT = $hint$Order fewer; "stock" says how many there are.$hint$;
    END IF;
    RETURN NEW;
END
$body$;

COMMENT ON FUNCTION take_from_stock() IS 'Takes the pieces of a new order line from the stock';

CREATE TRIGGER order_line_takes_from_stock
    BEFORE INSERT ON order_line
    FOR EACH ROW EXECUTE FUNCTION take_from_stock();

CREATE FUNCTION touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER product_touch_updated_at
    BEFORE UPDATE ON product
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
