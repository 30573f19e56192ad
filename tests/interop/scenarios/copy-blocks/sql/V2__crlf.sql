COPY item (id, name) FROM stdin;
1	a;b
2	it's \\ here
3	\N
4	-- no comment
\.
CREATE TABLE done2 (id integer);
COPY item FROM STDIN WITH (FORMAT csv, HEADER);
id,name
5,"x, ;
y"
6,'
\.
INSERT INTO done2 VALUES (1);
