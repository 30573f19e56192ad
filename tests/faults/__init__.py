"""What happens to a run when something dies, in one table of cells."""
