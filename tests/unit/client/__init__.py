"""Tests of the client, without Kafka."""
