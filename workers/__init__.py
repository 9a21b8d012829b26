"""The processes this service runs. One file is one thing that starts, or a step of it."""
