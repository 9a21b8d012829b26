"""The keys that secrets are sealed to and tokens are signed with."""
