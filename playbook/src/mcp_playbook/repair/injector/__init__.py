"""Mistakes in calls that were right: those known when the agent was written, and later ones."""
