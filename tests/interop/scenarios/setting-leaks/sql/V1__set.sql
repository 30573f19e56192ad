SET app.mode = 'bulk';
SET extra_float_digits = 0;
