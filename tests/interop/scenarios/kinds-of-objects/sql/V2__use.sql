CALL fill(3);
REFRESH MATERIALIZED VIEW totals;
SELECT nextval('counter');
ANALYZE parent;
