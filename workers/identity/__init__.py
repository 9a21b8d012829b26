"""Signing in, staying signed in, signing out, and changing a password."""
