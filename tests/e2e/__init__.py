"""The real servers, the real worker."""
