CREATE OR REPLACE VIEW nothing AS SELECT id FROM no_such_table;
