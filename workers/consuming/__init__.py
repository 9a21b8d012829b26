"""What serves every consumer group: our own consumer, its settings, and how records are read."""
