"""Identity: people, groups, roles and links by date, accounts, sessions. Personal data lives here and nowhere else."""
