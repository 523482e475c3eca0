"""The check-up of an installation: what an operator should know, found beside the running system."""
