-- Runs again whenever this file changes. New columns go to the end: CREATE OR REPLACE
-- can add columns to a view, and neither drop nor reorder them.

CREATE OR REPLACE VIEW order_totals AS
SELECT o.id AS order_id,
       o.customer_id,
       o.status,
       o.placed_at,
       count(l.line_no) AS lines,
       coalesce(sum(l.quantity * l.unit_price), 0) AS total
  FROM orders AS o
  LEFT JOIN order_line AS l ON l.order_id = o.id
 GROUP BY o.id;

COMMENT ON VIEW order_totals IS 'One row per order with the value of its lines';
