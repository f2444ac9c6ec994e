"""What makes a model generate: child processes and their HTTP protocol."""
