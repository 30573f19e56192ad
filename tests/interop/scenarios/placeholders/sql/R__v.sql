CREATE OR REPLACE VIEW ${table_name}_view AS SELECT t FROM ${table_name};
