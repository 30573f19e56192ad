INSERT INTO seen SELECT current_setting('app.zone'), word FROM scratch;
