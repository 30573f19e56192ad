ALTER TABLE custommer ADD COLUMN email text;
