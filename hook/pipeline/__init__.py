"""The running order of each command, from stages to report."""
