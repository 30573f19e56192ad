CREATE VIEW half AS SELECT 1 AS n;
SELECT nothing_like_this();
