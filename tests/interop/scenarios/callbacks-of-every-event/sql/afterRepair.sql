INSERT INTO audit.trace (event) VALUES ('afterRepair');
