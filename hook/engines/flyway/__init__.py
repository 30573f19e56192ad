"""Flyway's files and Flyway's history table, without Flyway."""
