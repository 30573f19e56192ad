WITH noted AS (
    UPDATE {ledger}
       SET report = pg_catalog.jsonb_set(
               pg_catalog.jsonb_set(
                   pg_catalog.jsonb_set(report, '{cut_off,done}'::pg_catalog.text[],
                                        '{done}'::pg_catalog.jsonb),
                   '{cut_off,found}'::pg_catalog.text[], '{found}'::pg_catalog.jsonb),
               '{cut_off,held}'::pg_catalog.text[], {held})
     WHERE id OPERATOR(pg_catalog.=) {key}
       AND finished_at IS NULL
       AND pg_catalog.jsonb_exists(report, 'cut_off')
    RETURNING id)
SELECT 1 OPERATOR(pg_catalog./) pg_catalog.count(*) FROM noted
