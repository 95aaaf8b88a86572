"""Middlewares that keep other pages away from the server and dataset text away from the browser's interpreter.

The server listens on loopback only. A page of another site can still make the browser send requests there: by its address
(cross-site request forgery) or by a name that is made to point to 127.0.0.1 (DNS rebinding). The first is refused by
``Origin`` and ``Sec-Fetch-Site``, the second by ``Host``.
"""

import json
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_BODY_BYTES = 1 << 20
LONGEST_TARGET = 4096
"""Characters of path and query."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No string becomes markup or code, whatever a later change of the page does (browsers that know the directive).
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_READING = frozenset({"GET", "HEAD"})


def allowed_hosts(port: int) -> frozenset[str]:
    """What ``Host`` may say on a server that listens on ``port``."""
    names = {f"{name}:{port}" for name in LOOPBACK_NAMES}
    return frozenset(names | set(LOOPBACK_NAMES) if port == 80 else names)


class Guard:
    """Refuses requests for another host or from another origin, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = allowed_hosts(port)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        guarded = _with_headers(send)
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refusal(scope["method"], Headers(scope=scope))
        target = len(scope.get("raw_path", b"")) + len(scope.get("query_string", b""))
        if refusal:
            await refuse(guarded, 403, refusal)
        elif target > LONGEST_TARGET:
            await refuse(guarded, 414, f"the address is longer than {LONGEST_TARGET} characters: shorten the search")
        else:
            await self._app(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> str:
        if headers.getlist("host") != [headers.get("host", "")] or headers.get("host", "").lower() not in self._hosts:
            return "this server answers to 127.0.0.1 and localhost only: open the address that it printed"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in self._origins:
            return "requests from other sites are refused"
        site = headers.get("sec-fetch-site", "same-origin")
        if site not in ("same-origin", "none") and not (
            # A link on another page may lead here; it may not embed or call anything.
            method in _READING
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        ):
            return "requests from other sites are refused"
        return ""


class BodyLimit:
    """Refuses bodies above a limit before they are in memory: announced ones at once, others (413) when the app reads on."""

    def __init__(self, app: ASGIApp, limits: Mapping[str, int]) -> None:
        """``limits`` maps the beginning of a path to the bytes allowed there; elsewhere ``DEFAULT_BODY_BYTES``."""
        self._app = app
        self._limits = dict(limits)

    def limit(self, path: str) -> int:
        """Bytes allowed in a request to ``path``."""
        found = [(len(prefix), size) for prefix, size in self._limits.items() if path.startswith(prefix)]
        return max(found)[1] if found else DEFAULT_BODY_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self.limit(scope["path"])
        message = f"the request is larger than {limit:,} bytes: send less at a time"
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > limit:
            await refuse(send, 413, message)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            event = await receive()
            if event["type"] == "http.request":
                received += len(event.get("body", b""))
                if received > limit:
                    raise HTTPException(413, message)
            return event

        await self._app(scope, counted, send)


def _with_headers(send: Send) -> Send:
    async def guarded(event: Message) -> None:
        if event["type"] == "http.response.start":
            headers = MutableHeaders(scope=event)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(event)

    return guarded


async def refuse(send: Send, status: int, message: str) -> None:
    """Answer with ``{"error": message}``."""
    body = json.dumps({"error": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
