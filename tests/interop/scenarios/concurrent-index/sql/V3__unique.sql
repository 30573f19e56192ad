create  unique index /* here */ concurrently
  customer_id on customer (id);
