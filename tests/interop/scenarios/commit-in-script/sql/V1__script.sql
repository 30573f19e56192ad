CREATE TABLE first (id integer);
COMMIT;
CREATE TABLE second (id integer);
SELECT nothing_like_this();
