"""What the core knows of WebRTC: descriptions, candidates, ICE, negotiation, statistics."""
