INSERT INTO audit.trace (event) VALUES ('afterInfoOperationFinish');
