INSERT INTO audit.trace (event) VALUES ('beforeRepeatables');
