CALL fill();
SELECT 1;
