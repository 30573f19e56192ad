CREATE TABLE ${table_name} (id integer, t text); -- ${Table_Name}
INSERT INTO ${TABLE_NAME} VALUES (1${empty}, $q$ ${mykey}$q$);
DO $$ BEGIN INSERT INTO ${table_name} VALUES (2, '${table_name}'); END $$;
COPY customer FROM stdin;
3	${mykey}
\.
