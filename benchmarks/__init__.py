"""How fast the worker is beside an ordinary one and beside MongoDB alone; see README.md."""
