"""The tests of presync."""
