"""Measures Prism against a bare script that makes the same durable steps (`make bench`)."""
