INSERT INTO trace (script) VALUES ('V201004171859__time');
