CREATE TABLE trace (n serial, script text);
