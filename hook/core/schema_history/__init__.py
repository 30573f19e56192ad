"""What was applied beside what is there: what is pending, wrong, or to be repaired."""
