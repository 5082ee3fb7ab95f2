"""What a person sees, as data: the state of the core turned into words and flags, for any kind of screen."""
