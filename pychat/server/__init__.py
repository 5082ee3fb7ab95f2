"""Builds the web site and serves it. Knows nothing about the chat: the people in it never talk to this server."""
