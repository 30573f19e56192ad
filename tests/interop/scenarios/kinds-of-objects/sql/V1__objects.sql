CREATE DOMAIN positive AS integer CONSTRAINT above_zero CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE span AS RANGE (subtype = float8);
CREATE SEQUENCE counter START 10 INCREMENT 5;
CREATE TABLE parent (
    id bigint GENERATED ALWAYS AS IDENTITY,
    amount positive,
    doubled integer GENERATED ALWAYS AS (amount * 2) STORED,
    mood mood DEFAULT 'ok',
    day date NOT NULL,
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE parent_2024 PARTITION OF parent FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE UNLOGGED TABLE cache (k text COLLATE "C" PRIMARY KEY, v jsonb) WITH (fillfactor = 70);
CREATE INDEX cache_v ON cache USING gin (v jsonb_path_ops);
CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) AS total FROM parent WITH NO DATA;
CREATE VIEW secure WITH (security_barrier) AS SELECT * FROM cache WHERE k <> ';';
CREATE PROCEDURE fill(n integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..n LOOP
        INSERT INTO parent (amount, day) VALUES (i, ('2024-02-0' || i)::date);
    END LOOP;
END $$;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN NULL; END $f$;
CREATE TRIGGER noted AFTER INSERT ON cache FOR EACH STATEMENT EXECUTE FUNCTION note();
ALTER TABLE cache ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON cache FOR SELECT USING (k = current_user);
GRANT SELECT (k) ON cache TO PUBLIC;
COMMENT ON COLUMN cache.v IS 'value; any';
CREATE RULE no_delete AS ON DELETE TO cache DO INSTEAD NOTHING;
