"""How long to wait for an answer."""

ANSWER_TIMEOUT_S = 30.0
"""Answers take milliseconds, a registration under a second; on a machine that is overloaded what
waits for a password's hash takes ten, because hashing gives way. After this something is down."""
