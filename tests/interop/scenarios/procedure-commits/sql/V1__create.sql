CREATE TABLE a (id integer);
CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..3 LOOP
        INSERT INTO a VALUES (i);
        COMMIT;
    END LOOP;
END $$;
