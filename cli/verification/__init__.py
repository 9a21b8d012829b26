"""How what is stored and what was published are compared."""
