"""Conversations: which there are, what is in each, and in which order it is shown."""
