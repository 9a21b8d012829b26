"""A Redis in memory, below `storage.redis`, and what stands in for redis-py's client in front of it."""
