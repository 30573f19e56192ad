SET app.x = 'validate';
