"""The service while its processes and servers are killed, paused and cut off."""
