"""Kafka in memory: a broker that outlives processes, and aiokafka's own clients before it."""
