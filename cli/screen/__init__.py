"""What is printed: cleaned, laid out, for people or for programs."""
