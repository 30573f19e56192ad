"""What the tests stand on: a real PostgreSQL, and presync as a process."""
