CREATE TABLE note AS SELECT e'it\'s; fine' AS text;
