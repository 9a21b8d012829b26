"""How a command reaches the running service, and who is signed in."""
