"""A real OpenID provider, and users who sign in with it."""
