CREATE TABLE app.other (id integer);
