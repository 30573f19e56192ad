CREATE TABLE first (id integer);
/* from here on
CREATE TABLE second (id integer);
