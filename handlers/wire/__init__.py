"""Values as the bytes that are published: the same input, the same bytes, for ever."""
