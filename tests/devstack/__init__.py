"""The dev stack: its checks alone, and the real servers."""
