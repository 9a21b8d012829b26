"""Where state lives: one file per technology."""
