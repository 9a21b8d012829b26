"""Accounts that move in from a file, and out into one."""
