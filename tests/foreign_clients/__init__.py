"""Clients of other languages, made from the public document alone, at the service and a later one."""
