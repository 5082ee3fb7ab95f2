"""Session descriptions: those that are rebuilt from a code, and what a code takes from one's own."""

import re
from collections.abc import Iterator
from dataclasses import replace

from tests.vectors import codes
from tests.vectors.codes import EIGHT, FORM_2, FORM_3, PUBLIC, WORKED_INVITE, WORKED_REPLY
from tests.vectors.writer import INVITE, REPLY, Candidate, Description, Json, ipv4, ipv6, mdns, rebuilt

NOTE = """\
Session descriptions. See 'From the code to the session description' in docs/reference/protocol.md.
`reading` is what a code carries. Where there is `rebuilt`, it is the description that the receiver of such a code gives
to its own WebRTC stack, line by line; each line ends with CR LF, the last one too.
Where there is `local`, it is what a WebRTC stack wrote, and the reading is what goes into a code.
`optional` says why another peer may do otherwise."""


def vectors() -> list[Json]:
    return [*_rebuilt(), *_local()]


def _rebuilt() -> Iterator[Json]:
    v6 = ipv6("2001:db8::1:0:0:1", "20010db8 00000000 00010000 00000001")
    cases = {
        "the worked invite": WORKED_INVITE,
        "the worked reply": WORKED_REPLY,
        "an offer with credentials of form 1": replace(WORKED_REPLY, kind=INVITE),
        "an answer with credentials of form 0": replace(WORKED_INVITE, kind=REPLY),
        "credentials of form 2": FORM_2,
        "credentials of form 3": FORM_3,
        "eight candidates of all families and types": EIGHT,
        "an answer with eight candidates": replace(EIGHT, kind=REPLY),
        "one candidate of a STUN server": replace(WORKED_INVITE, candidates=[Candidate("srflx", PUBLIC, 61_000)]),
        "one candidate of a TURN server": replace(WORKED_INVITE, candidates=[Candidate("relay", PUBLIC, 1)]),
        "one IPv6 address": replace(WORKED_INVITE, candidates=[Candidate("host", v6, 65_535)]),
        "the worst candidate first": replace(EIGHT, candidates=EIGHT.candidates[::-1]),
    }
    for name, description in cases.items():
        yield {
            "name": f"rebuilt: {name}",
            "reading": description.reading,
            "rebuilt": rebuilt(description.reading),
        }
    mapped = ipv6("::ffff:c000:221", "00000000 00000000 0000ffff c0000221")
    nowhere = [ipv4("127.0.0.1"), ipv4("0.0.0.0"), ipv4("239.1.2.3"), ipv6("::1", "00" * 15 + "01"), mapped]
    candidates = [*(Candidate("host", address, 8_000) for address in nowhere), *WORKED_INVITE.candidates]
    yield {
        "name": "rebuilt: none of the candidates at which nobody else can be",
        "reading": replace(WORKED_INVITE, candidates=candidates).reading,
        "rebuilt": rebuilt(WORKED_INVITE.reading),
    }


# What WebRTC stacks write.

_CHROMIUM = """\
v=0
o=- 3478128246498073744 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
{candidates}
a=ice-ufrag:LkGn
a=ice-pwd:9bkPtNCoFARNGxNRflGUAbd7
a=ice-options:trickle
a=fingerprint:sha-256 DE:B5:94:BC:8E:F5:CC:15:33:7A:D9:E9:9A:08:EA:D7:79:11:69:BA:68:81:4B:7A:D3:A3:8F:82:83:F7:E6:AB
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144"""

_FIREFOX = """\
v=0
o=mozilla...THIS_IS_SDPARTA-99.0 1879021600681960421 0 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 65:58:23:C1:04:19:03:17:FA:54:1B:8F:9A:8C:09:8F:7E:9E:DF:CB:0F:F5:BA:AA:4E:5F:2F:C8:11:A3:13:67
a=group:BUNDLE 0
a=ice-options:trickle
a=msid-semantic:WMS *
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:0 1 UDP 2122252543 192.0.2.33 50123 typ host
a=candidate:3 1 TCP 2105524479 192.0.2.33 9 typ host tcptype active
a=sendrecv
a=end-of-candidates
a=ice-pwd:949dc71599ff3073c52fc3a8dde46bfa
a=ice-ufrag:1b8cb331
a=mid:0
a=setup:active
a=sctp-port:5000
a=max-message-size:1073741823"""

_AIORTC = """\
v=0
o=- 3972544321 3972544321 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic:WMS *
m=application 40912 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.0.2.7
a=mid:0
a=sctp-port:5000
a=max-message-size:65536
a=candidate:5fe1a1e0f3b1ab0a2b6d1e2d1a4e7cd6 1 udp 2130706431 192.0.2.7 40912 typ host
a=end-of-candidates
a=ice-ufrag:Hx3Q
a=ice-pwd:gFu0oKzJ9sPq2VYtL5rTcb
a=fingerprint:sha-384 FF:1C:0D:52:F4:91:8B:36:E7:20:AD:5C:43:98:0F:B1:66:DA:7E:35:C2:09:F8:4B:93:1E:60:A7:DC:58:24:EF:\
7A:1C:0D:52:F4:91:8B:36:E7:20:AD:5C:43:98:0F:B1
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=setup:actpass"""

_HOST = Candidate("host", codes.LOCAL, 50_123)


def _local() -> Iterator[Json]:
    def vector(name: str, sdp: str, description: Description) -> Json:
        return {"name": f"local: {name}", "local": sdp.split("\n"), "reading": description.reading}

    yield vector(
        "Chromium's offer, with a STUN server",
        _CHROMIUM.format(
            candidates="a=candidate:2948515709 1 udp 2113937151 94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local 43084"
            " typ host generation 0 network-cost 999\n"
            "a=candidate:1 1 udp 1677729535 203.0.113.9 61000 typ srflx raddr 0.0.0.0 rport 0 generation 0"
        ),
        WORKED_INVITE,
    )
    yield vector("Firefox's answer", _FIREFOX, WORKED_REPLY)
    fingerprint = re.compile(r"(?<=fingerprint:).*")
    in_other_case = fingerprint.sub(lambda found: found[0].swapcase(), _FIREFOX)
    yield vector("the fingerprint in the other case", in_other_case, WORKED_REPLY)
    yield vector("aiortc's offer, with several fingerprints", _AIORTC, FORM_2)

    cases: dict[str, tuple[list[str], list[Candidate]]] = {
        "a TCP candidate is left out": (
            ["1 1 udp 1 192.0.2.33 50123 typ host", "2 1 tcp 1 192.0.2.33 9 typ host tcptype active"],
            [_HOST],
        ),
        "another component is left out": (
            ["1 1 udp 1 192.0.2.33 50123 typ host", "1 2 udp 1 192.0.2.33 50124 typ host"],
            [_HOST],
        ),
        "a candidate of another type is left out": (
            ["1 1 udp 1 192.0.2.33 50123 typ host", "2 1 udp 1 203.0.113.9 50124 typ prflx raddr 0.0.0.0 rport 0"],
            [_HOST],
        ),
        "names that are not those of a UUID are left out": (
            [
                "1 1 udp 1 laptop.local 50122 typ host",
                "2 1 udp 1 chat.example 50122 typ host",
                "3 1 udp 1 94fd06c2ae2f447e81ad7d84b02c8cc0.local 50122 typ host",
                "4 1 udp 1 94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.example 50122 typ host",
                "5 1 udp 1 192.0.2.33 50123 typ host",
            ],
            [_HOST],
        ),
        "addresses at which nobody else can be are left out": (
            [
                *(
                    f"{n} 1 udp 1 {address} 50122 typ host"
                    for n, address in enumerate(
                        ("127.0.0.1", "127.8.8.8", "0.1.2.3", "224.0.0.251", "255.255.255.255", "::1", "ff02::fb")
                    )
                ),
                "7 1 udp 1 ::ffff:192.0.2.33 50122 typ host",
                "8 1 udp 1 ::192.0.2.33 50122 typ host",
                "9 1 udp 1 192.0.2.33 50123 typ host",
            ],
            [_HOST],
        ),
        "an address that is none and port 0 are left out": (
            [
                "1 1 udp 1 0.0.0.0 50122 typ host",
                "2 1 udp 1 :: 50122 typ host",
                "3 1 udp 1 192.0.2.33 0 typ host",
                "4 1 udp 1 192.0.2.33 50123 typ host",
            ],
            [_HOST],
        ),
        "the same candidate counts once": (
            ["1 1 udp 9 192.0.2.33 50123 typ host", "2 1 udp 5 192.0.2.33 50123 typ host generation 0"],
            [_HOST],
        ),
        "the order is kept, whatever the priorities": (
            [
                "1 1 udp 5 198.51.100.20 50004 typ relay raddr 203.0.113.9 rport 61000",
                "2 1 UDP 7 203.0.113.9 61000 typ srflx raddr 192.0.2.33 rport 50123",
                "3 1 UDP 9 192.0.2.33 50123 typ host",
            ],
            [Candidate("relay", codes.RELAY, 50_004), Candidate("srflx", PUBLIC, 61_000), _HOST],
        ),
        "an IPv6 address in another writing, and one with a zone": (
            ["1 1 udp 1 2001:0DB8:0::0:C0DE 50001 typ host", "2 1 udp 1 fe80::1%eth0 50002 typ host"],
            [
                Candidate("host", ipv6("2001:db8::c0de", "20010db8 00000000 00000000 0000c0de"), 50_001),
                Candidate("host", ipv6("fe80::1", "fe800000 00000000 00000000 00000001"), 50_002),
            ],
        ),
        "an mDNS name in upper case": (
            ["1 1 udp 1 94FD06C2-AE2F-447E-81AD-7D84B02C8CC0.local 43084 typ host"],
            [Candidate("host", mdns("94fd06c2-ae2f-447e-81ad-7d84b02c8cc0"), 43_084)],
        ),
    }
    for name, (lines, candidates) in cases.items():
        sdp = _CHROMIUM.format(candidates="\n".join(f"a=candidate:{line}" for line in lines))
        yield vector(name, sdp, replace(WORKED_INVITE, candidates=candidates))

    host = [f"{n} 1 udp 1 192.0.2.{n} 50000 typ host" for n in range(1, 8)]
    reflexive = [f"{n} 1 udp 1 203.0.113.{n} 50000 typ srflx raddr 0.0.0.0 rport 0" for n in range(1, 5)]
    sdp = _CHROMIUM.format(
        candidates="\n".join(
            f"a=candidate:{line}" for line in (*host, "8 1 udp 1 198.51.100.20 50004 typ relay", *reflexive)
        )
    )
    chosen = [
        *(Candidate("host", ipv4(f"192.0.2.{n}"), 50_000) for n in range(1, 5)),
        Candidate("relay", codes.RELAY, 50_004),
        *(Candidate("srflx", ipv4(f"203.0.113.{n}"), 50_000) for n in range(1, 4)),
    ]
    yield {
        **vector("of twelve candidates eight", sdp, replace(WORKED_INVITE, candidates=chosen)),
        "optional": "which candidates go into a code is up to its writer",
    }
