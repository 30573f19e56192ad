CREATE OR REPLACE VIEW customer_names AS SELECT upper(name) AS name FROM customer;
