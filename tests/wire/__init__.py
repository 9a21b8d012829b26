"""What is said on the wire, byte for byte, for ever."""
