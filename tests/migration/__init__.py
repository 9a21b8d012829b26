"""Data that release 0.1 made, and what becomes of it here."""
