"""Whether there is a way back: backups, WAL, their judgement, and how to restore."""
