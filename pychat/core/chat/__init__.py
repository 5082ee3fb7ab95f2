"""Conversations: logs, what is shown of them, and what is sent of them."""
