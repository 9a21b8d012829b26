"""What is needed of the stores, in the words of whoever needs it."""
