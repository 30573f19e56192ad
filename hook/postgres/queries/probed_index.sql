/*NO LOAD BALANCE*/
-- What the only index of the temporary table presync_probe is made of; neither that name nor
-- that of its schema has a space in it.
SELECT x.indisunique,
       pg_catalog.substr(
           pg_catalog.pg_get_indexdef(x.indexrelid),
           pg_catalog.strpos(pg_catalog.pg_get_indexdef(x.indexrelid), ' USING '))
  FROM pg_catalog.pg_index AS x
 WHERE x.indrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('pg_temp.presync_probe')
