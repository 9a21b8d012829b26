"""What recorded entries say: pages of them, whether they add up, and how an account is built from them again."""
