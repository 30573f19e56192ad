-- Reference data, loaded with COPY: tab-separated, \N is NULL, a lone \. ends it.

CREATE TABLE country (
    code     text PRIMARY KEY,
    name     text NOT NULL,
    vat_rate numeric(4, 2),
    CONSTRAINT country_code_is_iso_3166 CHECK (code ~ '^[A-Z]{2}$')
);

COMMENT ON TABLE country IS 'Where our customers live';
COMMENT ON COLUMN country.vat_rate IS 'Standard rate in percent; NULL where we do not collect it';

COPY country (code, name, vat_rate) FROM stdin;
AT	Österreich	20.00
BE	België / Belgique; Belgien	21.00
CH	Schweiz	\N
CI	Côte d'Ivoire	\N
DE	Deutschland	19.00
FR	France -- métropole	20.00
JP	日本	\N
NL	Nederland	21.00
PL	Polska	23.00
SE	Sverige	25.00
\.
