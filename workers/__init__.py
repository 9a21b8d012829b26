"""The processes: one file for each thing that starts, or for a step of it."""
