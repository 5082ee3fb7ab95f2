"""What people hand each other: invites, replies and the codes of rooms, and how they are found in a text."""
