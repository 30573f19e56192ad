INSERT INTO audit.trace (event) VALUES ('one');
VACUUM audit.trace;
INSERT INTO audit.trace (event) VALUES ('two');
