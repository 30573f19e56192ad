\restrict abcDEF123
SET statement_timeout = 0;
CREATE TABLE public.dumped (id integer);
\unrestrict abcDEF123
