CREATE TABLE item (id integer, name text);
COPY item (id, name) FROM stdin;
1	a;b
2	it's \\ here
3	\N
4	-- no comment
\.
CREATE TABLE done (id integer);
COPY item FROM STDIN WITH (FORMAT csv, HEADER);
id,name
5,"x, ;
y"
6,'
\.
INSERT INTO done VALUES (1);
