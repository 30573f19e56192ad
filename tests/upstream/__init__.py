"""What PostgreSQL itself ships, as the judge of presync: its servers, psql and its tests."""
