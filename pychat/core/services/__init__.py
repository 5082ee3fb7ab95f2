"""What a node does, one subject each; they hear of each other by notifications (`pychat.core.service`)."""
