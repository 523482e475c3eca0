"""The runtime that every service shares. It knows logs, commands, views and HTTP, and no word of the domain."""
