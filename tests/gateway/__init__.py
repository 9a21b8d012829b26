"""The example gateway: over a small fake of the service, and on the real one."""
