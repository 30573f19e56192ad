"""SQL as the server reads it: tokens, statements, what each of them locks and forbids."""
