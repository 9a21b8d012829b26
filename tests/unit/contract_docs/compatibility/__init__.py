"""What `make compat` says."""
