"""The config of a run: its classes, checks, messages and schema."""
