"""Who people are: contacts, names that look alike, what two of them compare."""
