"""The gate in five minutes: real runs on a throw-away server, before anything is installed."""
