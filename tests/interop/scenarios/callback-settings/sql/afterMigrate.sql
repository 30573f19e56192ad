SET app.x = 'after';
