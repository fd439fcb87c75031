"""Files of others: fetched, resumed, checked."""
