"""What an auditor gets from the log alone: the replay of every rule, and the history of a page."""
