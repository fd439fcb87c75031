"""Non-negative factors of counts."""
