"""The headers that every response carries: what a page of this site may do, and what others may do with it."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# No inline script, no eval, nothing from elsewhere. 'wasm-unsafe-eval' lets Pyodide compile its WebAssembly and opens
# nothing for strings. PyScript evaluates one string for workers it does not start here; boot.js takes the cause away,
# so 'unsafe-eval' is not needed. The one Trusted Types policy is boot.js's own, for browsers register a service worker
# by nothing else: whatever it is given, it answers with the address of sw.js, and no second one can be made.
POLICY_OF_A_PAGE = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types service-worker",
    )
)
# The one directive of it that a page cannot give itself (CSP Level 3, section 3.3).
CONTENT_SECURITY_POLICY = f"{POLICY_OF_A_PAGE}; frame-ancestors 'none'"

# Calls will need camera and microphone, invitations the clipboard; the rest is closed, for this page as for others.
PERMISSIONS_POLICY = ", ".join(
    (
        "camera=(self)",
        "microphone=(self)",
        "clipboard-read=(self)",
        "clipboard-write=(self)",
        "accelerometer=()",
        "geolocation=()",
        "gyroscope=()",
        "hid=()",
        "magnetometer=()",
        "midi=()",
        "payment=()",
        "serial=()",
        "usb=()",
        "xr-spatial-tracking=()",
    )
)

# Strict-Transport-Security is the business of whoever terminates TLS.
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeaders:
    """Middleware that puts SECURITY_HEADERS on every HTTP response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers to the response."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        return await self._app(scope, receive, send_with_headers)
