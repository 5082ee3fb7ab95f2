"""A chat that needs no server: people connect straight to each other over WebRTC data channels."""

__version__ = "0.1.0"
