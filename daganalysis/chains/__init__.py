"""The chain of work and waits that determined the length of each run, from its timeline and its attempts."""
