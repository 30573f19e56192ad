SELECT set_config('app.x', 'migrate', false);
SET TimeZone = 'Asia/Tokyo';
SET search_path = audit;
