"""A description as a code that a person can paste: an invite (the offer) or a reply (the answer).

Theory of operation. A code is base64url without padding (RFC 4648, section 5) over these bytes:

    1      header: version (high 4 bits, now 1), kind (1 bit: 1 is a reply), 1 bit that is 0, form of the credentials
    3      only in a reply: which invite it answers (its `ref`)
    32     SHA-256 of the DTLS certificate
    20-21  ICE user fragment and password, packed by the form in the header (with two lengths before them in form 3)
    7-19   for each candidate: a byte (bit 7: another follows; bits 2-3: address family; bits 0-1: type), the
           address (4, 16 or 16 bytes), the port (2 bytes, big-endian)
    3      checksum: the first bytes of SHA-256 over all before; the next 3 bytes of that hash are the invite's `ref`

A code says by itself where it ends, so whatever stands before and after it, or between its characters, does no harm:
`decode` tries every word as the beginning and skips what is not of the alphabet. In every version the first four
bits are the version and the last three bytes the checksum, which is how a newer code is told from a damaged one.
"""

import hashlib
import ipaddress
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from pychat.core.codes.codetext import CHECKSUM, VERSION, Damaged, Kind, Reader, checksum_of, find, to_bytes, write
from pychat.core.errors import LocalError
from pychat.core.webrtc.sdp import MAX_CANDIDATES, Candidate, CandidateKind, Description, DescriptionKind, mdns_uuid

_ICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"  # RFC 8839, section 5.4
_REF = 3
_CANDIDATE_KINDS = (CandidateKind.HOST, CandidateKind.SERVER_REFLEXIVE, CandidateKind.RELAYED)
_IPV4, _IPV6, _MDNS = 0, 1, 2
_HEX_FORM, _ANY_FORM = 1, 3
_PACKED_FORMS = {0: (4, 24), 2: (4, 22)}  # lengths of ufrag and pwd as Chromium and as aiortc make them
_LONGEST = 768  # characters of the longest code that can be: 8 addresses of 16 bytes, credentials of 510 characters
_FIRST = ("E", "G")  # the header's first six bits, in an invite and in a reply


@dataclass(frozen=True, slots=True)
class Code:
    """An invite or a reply; `answers` is the `ref` of the invite that a reply answers (None in an invite)."""

    description: Description
    answers: bytes | None = None

    @property
    def is_reply(self) -> bool:
        """Whether it answers an invite."""
        """Whether it answers an invite."""
        return self.description.kind is DescriptionKind.ANSWER

    @property
    def ref(self) -> bytes:
        """Three bytes that name this code among the few that a person has under way; no proof of anything."""
        return ref_of(self.digest)

    @property
    def digest(self) -> bytes:
        """SHA-256 over the code's bytes before the checksum, which names it for good."""
        return hashlib.sha256(_body(self)).digest()


def ref_of(digest: bytes) -> bytes:
    """The `ref` of a code, from its digest."""
    return digest[CHECKSUM : CHECKSUM + _REF]


def encode(code: Code) -> str:
    """Write a code.

    Raises:
        LocalError: the description does not fit (no candidate, unknown characters or addresses).
    """
    return write(_body(code))


def decode(text: str) -> Code:
    """Find the code in what a person pasted: broken into lines, quoted, in a link or within a sentence.

    Raises:
        CodeError: there is no usable code in it; its `problem` says why. Nothing else is ever raised.
    """
    return find(text, KIND)


def _read(word: str) -> Code:
    """Read the code that begins with the first character.

    Raises:
        CutShort, Damaged: it is none.
    """
    raw = to_bytes(word)
    reader = Reader(raw)
    header = reader.take(1)[0]
    if header >> 4 != VERSION or header & 0b100:
        raise Damaged
    is_reply = bool(header & 0b1000)
    answers = reader.take(_REF) if is_reply else None
    fingerprint = reader.take(32)
    ufrag, pwd = _read_credentials(reader, header & 0b11)
    candidates = tuple(_read_candidates(reader))
    body = raw[: reader.at]
    checksum = reader.take(CHECKSUM)
    if checksum_of(body) != checksum:
        raise Damaged
    kind = DescriptionKind.ANSWER if is_reply else DescriptionKind.OFFER
    code = Code(Description(kind, fingerprint, ufrag, pwd, candidates), answers)
    if not word.startswith(encode(code)):  # one code has one writing
        raise Damaged
    return code


def _body(code: Code) -> bytes:
    description = code.description
    if (code.answers is not None) != code.is_reply:
        raise LocalError("a reply names the invite it answers, an invite does not")
    form, credentials = _pack_credentials(description.ufrag, description.pwd)
    candidates = description.candidates
    if not 0 < len(candidates) <= MAX_CANDIDATES:
        raise LocalError(f"a code carries 1 to {MAX_CANDIDATES} candidates, not {len(candidates)}")
    header = VERSION << 4 | code.is_reply << 3 | form
    packed = [_pack_candidate(c, more=i + 1 < len(candidates)) for i, c in enumerate(candidates)]
    return b"".join([bytes([header]), code.answers or b"", description.fingerprint, credentials, *packed])


def _pack_credentials(ufrag: str, pwd: str) -> tuple[int, bytes]:
    """Choose the shortest form for the ICE user fragment and password; returns its number and the bytes."""
    if (len(ufrag), len(pwd)) == (8, 32) and re.fullmatch(r"[0-9a-f]+", ufrag + pwd):  # as Firefox makes them
        return _HEX_FORM, bytes.fromhex(ufrag + pwd)
    lengths = len(ufrag), len(pwd)
    form = next((form for form, wanted in _PACKED_FORMS.items() if lengths == wanted), _ANY_FORM)
    if max(lengths) > 255 or len(ufrag) < 4 or len(pwd) < 22:  # RFC 8839, section 5.4
        raise LocalError("the ICE credentials have an unusual length")
    return form, (bytes(lengths) if form == _ANY_FORM else b"") + _pack_ice_chars(ufrag + pwd)


def _read_credentials(reader: Reader, form: int) -> tuple[str, str]:
    if form == _HEX_FORM:
        packed = reader.take(20).hex()
        return packed[:8], packed[8:]
    if form == _ANY_FORM:
        ufrag_length, pwd_length = reader.take(2)
        if ufrag_length < 4 or pwd_length < 22:
            raise Damaged
    else:
        ufrag_length, pwd_length = _PACKED_FORMS[form]
    length = ufrag_length + pwd_length
    chars = _unpack_ice_chars(reader.take((length * 6 + 7) // 8), length)
    return chars[:ufrag_length], chars[ufrag_length:]


def _pack_ice_chars(chars: str) -> bytes:
    """Six bits a character, the first one highest; zero bits fill the last byte."""
    number = 0
    for char in chars:
        value = _ICE_CHARS.find(char)
        if value < 0:
            raise LocalError("the ICE credentials hold a character that ICE does not know")
        number = number << 6 | value
    bits = len(chars) * 6
    return (number << (-bits % 8)).to_bytes((bits + 7) // 8, "big")


def _unpack_ice_chars(packed: bytes, length: int) -> str:
    number = int.from_bytes(packed, "big") >> (-length * 6 % 8)
    return "".join(_ICE_CHARS[number >> 6 * (length - 1 - i) & 63] for i in range(length))


def _pack_candidate(candidate: Candidate, *, more: bool) -> bytes:
    name = mdns_uuid(candidate.address)
    if name is not None:
        family, address = _MDNS, name.bytes
    else:
        try:
            ip = ipaddress.ip_address(candidate.address)
        except ValueError as error:
            raise LocalError(f"a candidate's address cannot be written: {candidate.address}") from error
        family, address = (_IPV4 if ip.version == 4 else _IPV6), ip.packed
    head = more << 7 | family << 2 | _CANDIDATE_KINDS.index(candidate.kind)
    return bytes([head]) + address + candidate.port.to_bytes(2, "big")


def _read_candidates(reader: Reader) -> Iterator[Candidate]:
    for _ in range(MAX_CANDIDATES):
        head = reader.take(1)[0]
        family, kind = head >> 2 & 0b11, head & 0b11
        if head & 0b0111_0000 or family > _MDNS or kind >= len(_CANDIDATE_KINDS):
            raise Damaged
        packed = reader.take(4 if family == _IPV4 else 16)
        address = f"{uuid.UUID(bytes=packed)}.local" if family == _MDNS else str(ipaddress.ip_address(packed))
        port = int.from_bytes(reader.take(2), "big")
        if port == 0:
            raise Damaged
        yield Candidate(_CANDIDATE_KINDS[kind], address, port)
        if not head & 0b1000_0000:
            return
    raise Damaged


KIND = Kind(_FIRST, _LONGEST, _read)
