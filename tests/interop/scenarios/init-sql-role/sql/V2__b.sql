CREATE TABLE b AS SELECT current_user::text AS who;
