"""Builds the site that the server gives out; a wheel has what it has built, and none of this."""
