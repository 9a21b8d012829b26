"""One suite for Kafka as our clients see it: the real one, and the one in memory."""
