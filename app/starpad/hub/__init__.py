"""What talks to a Hugging Face hub: search, listing, sign-in and trustworthy downloads."""
