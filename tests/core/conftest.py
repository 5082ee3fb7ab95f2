"""Hypothesis: the same examples in every run, and no clock."""

from hypothesis import settings

settings.register_profile("pychat", deadline=None, derandomize=True, database=None)
settings.load_profile("pychat")
