-- Whether the server lets a new transaction of this session write, a SET in the session apart; and
-- how many milliseconds ago the session has heard of its settings last.
SELECT NOT pg_catalog.pg_is_in_recovery()
       AND (SELECT s.reset_val OPERATOR(pg_catalog.=) 'off'
              FROM pg_catalog.pg_settings AS s
             WHERE s.name OPERATOR(pg_catalog.=) 'default_transaction_read_only'),
       extract(epoch FROM pg_catalog.clock_timestamp()
                          OPERATOR(pg_catalog.-) pg_catalog.pg_conf_load_time())
       ::double precision OPERATOR(pg_catalog.*) 1000
