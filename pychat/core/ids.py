"""The names that events and effects use for what they speak of. None of them means anything outside this program."""

ChatId = str
"""An introduction or a conversation. That of a conversation follows from the keys of its two people, and so lasts."""
LinkId = int
RoomId = int
SessionId = int
"""A session with a relay; each has a number of its own."""
MemberId = str
"""A member's name at the relay: 16 random bytes as base64url, new for each session."""
AuthorId = str
"""Names the author of a log: 16 to 64 characters of base64url."""
PublicKey = bytes
"""An Ed25519 public key, 32 bytes (RFC 8032, section 5.1.5): a person's identity."""
KEY_SIZE = 32
"""Bytes of it."""
