"""The chat itself: pure and synchronous. Events and the time go in, effects come out."""
