"""The ports in memory: for tests, ours and other teams'."""
