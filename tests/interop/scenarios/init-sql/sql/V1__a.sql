CREATE TABLE seen AS SELECT current_setting('app.mode', true) AS mode, word FROM scratch;
