"""Interoperability with real Flyway: what is compared, and how."""
