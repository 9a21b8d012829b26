"""What nobody sends a command for: sweeps, recounts, and the repairs that operators order."""
