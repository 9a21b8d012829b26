"""A MongoDB in memory, below `storage.mongo`, and what stands in for PyMongo in front of it."""
