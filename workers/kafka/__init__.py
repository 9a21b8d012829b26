"""Kafka, as far as it is written to and looked after: connections, topics, offsets, publishing."""
