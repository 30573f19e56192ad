"""The server and those who work on it: who is in the way, and who waits for us."""
