"""Installing exactly what a lock says."""
