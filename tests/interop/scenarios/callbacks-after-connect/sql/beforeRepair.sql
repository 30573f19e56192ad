INSERT INTO audit.trace (event) VALUES ('beforeRepair');
