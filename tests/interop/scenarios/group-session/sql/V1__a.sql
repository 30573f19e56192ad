SET search_path = other; CREATE TABLE a (id integer);
