INSERT INTO audit.trace (event) VALUES ('R r');
INSERT INTO audit.trace (event) VALUES ('R r again');
