"""The decisions about money, accounts and profiles, in the order of one user's commands."""
