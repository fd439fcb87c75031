"""Gene sets tested in every feature, beside nulls."""
