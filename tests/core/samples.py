"""Session descriptions as real WebRTC stacks wrote them, and ones like them in any number."""

from random import Random

from pychat.core.webrtc.sdp import DescriptionKind

CHROMIUM_OFFER = """\
v=0
o=- 3478128246498073744 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:2948515709 1 udp 2113937151 94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local 43084 typ host generation 0 \
network-cost 999
a=candidate:2831985613 1 udp 2113942271 3ad7e47c-4c9b-47f8-bab1-d9013a147ee2.local 38486 typ host generation 0 \
network-cost 999
a=ice-ufrag:LkGn
a=ice-pwd:9bkPtNCoFARNGxNRflGUAbd7
a=ice-options:trickle
a=fingerprint:sha-256 DE:B5:94:BC:8E:F5:CC:15:33:7A:D9:E9:9A:08:EA:D7:79:11:69:BA:68:81:4B:7A:D3:A3:8F:82:83:F7:E6:AB
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
""".replace("\n", "\r\n")
"""Chromium 156."""

CHROMIUM_ANSWER = """\
v=0
o=- 8402949031486319338 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:2785198191 1 udp 2113937151 b65be64d-bd98-4f54-81d0-27f1e00bc0c7.local 45038 typ host generation 0 \
network-cost 999
a=candidate:2708516063 1 udp 2113942271 47fd95f9-478b-45d3-a6e7-ce2e491bb663.local 56663 typ host generation 0 \
network-cost 999
a=ice-ufrag:6Cyy
a=ice-pwd:M1lmUpnso8rHdTDH6pLmlGjH
a=ice-options:trickle
a=fingerprint:sha-256 C6:20:F6:B4:FE:99:F8:FD:C9:28:47:81:EA:2D:A0:F3:68:86:B7:0B:73:E1:79:F0:F1:47:3A:51:3F:2C:38:4D
a=setup:active
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
""".replace("\n", "\r\n")

FIREFOX_OFFER = """\
v=0
o=mozilla...THIS_IS_SDPARTA-99.0 3077908664060331612 0 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 AB:21:C7:26:80:EA:16:BA:93:93:84:07:27:9C:CC:1D:2F:DF:79:DF:AB:A8:95:5D:DB:24:FD:EA:3B:8A:6C:9D
a=group:BUNDLE 0
a=ice-options:trickle
a=msid-semantic:WMS *
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:0 1 UDP 2122187007 6537d85b-84c9-4e7f-97f1-3ec81c689824.local 42750 typ host
a=candidate:1 1 UDP 2122252543 10aaaa24-5f5d-4fcc-842d-b97c09da7356.local 41385 typ host
a=candidate:2 1 TCP 2105458943 6537d85b-84c9-4e7f-97f1-3ec81c689824.local 9 typ host tcptype active
a=candidate:3 1 TCP 2105524479 10aaaa24-5f5d-4fcc-842d-b97c09da7356.local 9 typ host tcptype active
a=sendrecv
a=end-of-candidates
a=ice-pwd:fd028d32a94de54853329aca92c65b50
a=ice-ufrag:1fb366e9
a=mid:0
a=setup:actpass
a=sctp-port:5000
a=max-message-size:1073741823
""".replace("\n", "\r\n")
"""Firefox 153."""

FIREFOX_ANSWER = """\
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
a=candidate:0 1 UDP 2122187007 57bb6996-1f58-43b8-856e-552d4cb68be3.local 44618 typ host
a=candidate:1 1 UDP 2122252543 453e9b43-795b-48e9-b61a-1ba117d4cf9f.local 55018 typ host
a=candidate:2 1 TCP 2105458943 57bb6996-1f58-43b8-856e-552d4cb68be3.local 9 typ host tcptype active
a=candidate:3 1 TCP 2105524479 453e9b43-795b-48e9-b61a-1ba117d4cf9f.local 9 typ host tcptype active
a=sendrecv
a=end-of-candidates
a=ice-pwd:949dc71599ff3073c52fc3a8dde46bfa
a=ice-ufrag:1b8cb331
a=mid:0
a=setup:active
a=sctp-port:5000
a=max-message-size:1073741823
""".replace("\n", "\r\n")

AIORTC_OFFER = """\
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
a=fingerprint:sha-256 7A:1C:0D:52:F4:91:8B:36:E7:20:AD:5C:43:98:0F:B1:66:DA:7E:35:C2:09:F8:4B:93:1E:60:A7:DC:58:24:EF
a=fingerprint:sha-384 7A:1C:0D:52:F4:91:8B:36:E7:20:AD:5C:43:98:0F:B1:66:DA:7E:35:C2:09:F8:4B:93:1E:60:A7:DC:58:24:EF:\
7A:1C:0D:52:F4:91:8B:36:E7:20:AD:5C:43:98:0F:B1
a=setup:actpass
""".replace("\n", "\r\n")
"""Like aiortc's: a ufrag of 4 characters, a pwd of 22, several fingerprints."""

AIORTC_ANSWER = AIORTC_OFFER.replace("a=setup:actpass", "a=setup:active")

HOST = "candidate:1 1 udp 2113937151 192.0.2.33 50123 typ host generation 0 network-cost 999"
HOST_IPV6 = "candidate:2 1 udp 2113939711 2001:db8::c0de 50124 typ host"
MDNS = "candidate:3 1 udp 2113937151 94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local 43084 typ host"
SERVER_REFLEXIVE = "candidate:4 1 udp 1677729535 203.0.113.9 61000 typ srflx raddr 0.0.0.0 rport 0"
RELAYED = "candidate:5 1 udp 33562367 198.51.100.20 49152 typ relay raddr 203.0.113.9 rport 61000"
TCP = "candidate:6 1 tcp 1518280447 192.0.2.33 9 typ host tcptype active generation 0"

_ICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def with_candidates(sdp: str, *candidates: str) -> str:
    """The same description with other candidates."""
    lines = [line for line in sdp.splitlines() if not line.startswith("a=candidate")]
    at = lines.index(next(line for line in lines if line.startswith("c="))) + 1
    return "\r\n".join([*lines[:at], *(f"a={candidate}" for candidate in candidates), *lines[at:], ""])


def fresh_sdp(kind: DescriptionKind, random: Random, *candidates: str, certificate: bytes | None = None) -> str:
    """A description in Chromium's manner with credentials of its own, for a certificate with that fingerprint."""
    fingerprint = (certificate or random.randbytes(32)).hex(":").upper()
    setup = "actpass" if kind is DescriptionKind.OFFER else "active"
    lines = (
        *("v=0", f"o=- {random.getrandbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"),
        *("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0"),
        *(f"a={candidate}" for candidate in candidates),
        f"a=ice-ufrag:{''.join(random.choices(_ICE_CHARS, k=4))}",
        f"a=ice-pwd:{''.join(random.choices(_ICE_CHARS, k=24))}",
        *("a=ice-options:trickle", f"a=fingerprint:sha-256 {fingerprint}", f"a=setup:{setup}"),
        *("a=mid:0", "a=sctp-port:5000", "a=max-message-size:262144", ""),
    )
    return "\r\n".join(lines)
