"""What `accounts dev` is made of."""
