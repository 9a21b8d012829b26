"""How a process starts: checked, built from the settings, watched, and shown over HTTP."""
