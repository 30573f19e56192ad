INSERT INTO audit.trace (event) VALUES ('afterBaselineError');
