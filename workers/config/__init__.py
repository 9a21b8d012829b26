"""Settings: where they come from, what they are called, and what they are checked for."""
