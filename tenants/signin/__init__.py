"""Signing in: from where somebody comes, how often he may fail, and the second factor."""
