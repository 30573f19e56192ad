CREATE OR REPLACE VIEW customer_names AS SELECT name, '${city}'::text AS city FROM customer;
