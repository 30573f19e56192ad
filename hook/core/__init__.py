"""Everything that decides: pure functions over values."""
