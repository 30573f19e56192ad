CREATE TABLE a AS SELECT current_user::text AS who; RESET ROLE;
