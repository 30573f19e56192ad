INSERT INTO audit.trace (event) VALUES ('beforeInfo');
