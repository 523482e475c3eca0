"""What the services may say to each other. Imports nothing of ours."""
