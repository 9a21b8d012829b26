"""The decisions: pure functions over frozen values."""
