"""Backups: dumps of the databases of one moment in a folder with a manifest, and their way back."""
