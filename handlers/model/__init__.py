"""What decisions are made about and what they come to: accounts, commands, outcomes, sessions. Values only."""
