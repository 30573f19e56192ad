CREATE TABLE seen AS SELECT current_setting('app.mode', true) AS mode, current_setting('extra_float_digits') AS digits;
