"""The stack in containers: its addresses and secrets, and the commands that bring it up."""
