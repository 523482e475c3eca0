"""Notifications: what happened that a person should hear of, and what he has read of it."""
