"""Passwords: the hashing of new accounts' passwords, and whether a new one is good enough."""
