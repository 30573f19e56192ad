SET ROLE interop_other;
CREATE TABLE theirs (id integer);
