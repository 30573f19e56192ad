INSERT INTO audit.trace (event) VALUES ('afterRepairError');
