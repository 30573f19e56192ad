CREATE TABLE "App 2".other (id integer);
