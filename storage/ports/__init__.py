"""What is needed of the stores, in the words of whoever needs it."""

STORE = "mongodb"
"""What operators know the store by, in metrics, health and logs, whichever adapter is behind it."""
