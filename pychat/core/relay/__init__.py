"""The relay as its clients use it: its protocol, a session, the way to it, and what is sealed for others there."""
