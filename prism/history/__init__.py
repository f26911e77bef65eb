"""The audit trail: every change of configuration with who, when, and from what to what (decision 25)."""
