"""Reports and answers as JSON, as text and as files."""
