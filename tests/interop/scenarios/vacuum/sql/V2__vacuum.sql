VACUUM (ANALYZE) customer;
