"""The decisions about passwords, sessions, and how often may be guessed."""
