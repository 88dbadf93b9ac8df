"""Places: rooms, streets, furniture, props."""
