"""Who may call a view, from where, and how often: the guards of views, clients' addresses, limits, and their log."""

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any, cast

import flask_login
from flask import Flask, Response, current_app, g, has_request_context, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import BadHost
from werkzeug.middleware.proxy_fix import ProxyFix

from app.client_addresses import network_of, parsed
from app.errors import AppError
from app.models import AccessToken, LoginSession, User
from app.models.passwords import made_up

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Content-Security-Policy of what is no page, should a browser open it as one: an SVG file could hold a script.
NOT_A_PAGE = "default-src 'none'; frame-ancestors 'none'; sandbox"

# Headers that a reverse proxy adds.
MARKS_OF_PROXIES = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via")

# Written whatever LOG_LEVEL is: who wants to know who came in asks afterwards.
security_log = logging.getLogger("couachgpt.security")
security_log.setLevel(logging.INFO)


class CsrfProtection(CSRFProtect):  # type: ignore[misc]
    """Protection against forged requests, for which a Referer that is no address is that of another site."""

    def protect(self, apply_exemptions: bool = False) -> None:
        """Check a request's token, over HTTPS its Referer too; raises CSRFError."""
        try:
            super().protect(apply_exemptions)
        except ValueError as error:
            raise CSRFError("The referrer is no address.") from error


csrf = CsrfProtection()
View = Callable[..., Any]
# Flask-Login's current user. If `is_authenticated` is false it is no User: read nothing else of it.
current_user = cast(User, flask_login.current_user)


def init_app(app: Flask) -> None:
    """Check hosts and CSRF tokens, let Flask-Login look sessions up in the database, and check the views' guards."""
    app.before_request(check_host)
    csrf.init_app(app)
    login_manager = flask_login.LoginManager(app)
    login_manager.session_protection = None
    login_manager.user_loader(LoginSession.user_of)
    app.before_request(check_guard)
    # Made before the worker is forked, so that the master can print it.
    app.extensions["first_account_code"] = made_up(groups=3)


class ForwardedHeaders:
    """Believe X-Forwarded headers of requests that come from a reverse proxy, and of no others (WSGI).

    `hops`: how many proxies add to these headers, one after another; `proxies`: addresses of the last one.
    """

    def __init__(self, inner: "WSGIApplication", hops: int, proxies: Collection[IPv4Network | IPv6Network]) -> None:
        self._direct, self._proxies = inner, proxies
        self._forwarded = ProxyFix(inner, x_for=hops, x_proto=hops, x_host=hops)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        address = parsed(environ.get("REMOTE_ADDR", ""))
        trusted = address is not None and any(address in network for network in self._proxies)
        return (self._forwarded if trusted else self._direct)(environ, start_response)


def is_at_the_machine() -> bool:
    """Return whether the request comes from the server's own machine, and was not handed on by a proxy there."""
    address = parsed(request.remote_addr or "")
    handed_on = current_app.config["TRUSTED_PROXIES"] or any(name in request.headers for name in MARKS_OF_PROXIES)
    return address is not None and address.is_loopback and not handed_on


def first_account_code() -> str:
    """Return the code that the first account needs, unless it is made at the machine; another one at each start."""
    code: str = current_app.extensions["first_account_code"]
    return code


def client_network() -> str:
    """Return what tries are counted by, see `network_of`."""
    return network_of(request.remote_addr or "")


def log_event(event: str, user: User | None, **facts: object) -> None:
    """Write a security event to the log: what, whose account (None: nobody's), and from where.

    Never give it secrets, words of conversations, or a name that was typed and is no account's: it may be a password in
    the wrong field.
    """
    line: dict[str, object] = {"event": event, "user": user.username if user else None}
    if has_request_context():
        # Not the path, as the address of a shared link is a secret.
        line |= {"address": request.remote_addr, "view": request.endpoint}
    # JSON, in which a name's line end or control character is written as an escape.
    security_log.info("security %s", json.dumps(line | facts))


def check_host() -> Response | None:
    """Refuse a Host header with which no address of this site can be built (`before_request`)."""
    try:
        usable = bool(request.root_url) and not isinstance(request.routing_exception, BadHost)
    except UnicodeError:
        usable = False
    # Plain text, as a page would need addresses.
    return None if usable else Response(AppError("bad_request").sentence, 400, mimetype="text/plain")


def public(view: View) -> View:
    """Allow everyone, signed in or not."""
    view.guard = "public"  # type: ignore[attr-defined]
    return view


def helper_required(view: View) -> View:
    """Allow helpers and administrators; other users get 403."""
    view.guard = "helper"  # type: ignore[attr-defined]
    return view


def admin_required(view: View) -> View:
    """Allow administrators; other users get 403."""
    view.guard = "admin"  # type: ignore[attr-defined]
    return view


def token_required(view: View) -> View:
    """Allow requests with a personal token as Bearer; `g.access_token` is its row. Sessions are not looked at."""
    view.guard = "token_holder"  # type: ignore[attr-defined]
    return view


def check_guard() -> Any:
    """Let only those call a view whom it allows: signed-in users, unless it says otherwise (`before_request`).

    Others get 401 under /api/, and are redirected to the log-in page elsewhere.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    guard = getattr(view, "guard", "member")
    if view is None or guard == "public" or request.method == "OPTIONS":
        return None
    if guard == "token_holder":
        g.access_token = _bearer()
    elif current_user.is_authenticated:
        if (guard == "admin" and not current_user.is_admin) or (guard == "helper" and not current_user.may_help):
            raise AppError("forbidden")
    elif request.path.startswith("/api/"):
        raise AppError("login_required")
    else:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("accounts.login", next=wanted if wanted != "/" else None))
    return None


def _bearer() -> AccessToken:
    """Return the request's token; raises invalid_token, or rate_limited after too many wrong ones."""
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        raise AppError("invalid_token")
    found = AccessToken.find(given.token)
    if found is None:
        rate_limiter().count(current_app.config["LOGIN_LIMIT"], "token", client_network())
        raise AppError("invalid_token")
    return found


class RateLimiter:
    """Count tries of this process in a sliding window; `who` names what is counted under a limit."""

    def __init__(self) -> None:
        # Two that count at once could make the storage start one of its timers twice, which fails.
        self._counting = threading.Lock()

    def hit(self, limit: RateLimitItem, *who: str) -> bool:
        """Count one try; return False, without counting, if the limit is reached."""
        with self._counting:
            return self._window.hit(limit, *who)

    def count(self, limit: RateLimitItem, *who: str) -> None:
        """Count one try; raises rate_limited if the limit is reached."""
        if not self.hit(limit, *who):
            raise AppError("rate_limited", wait_s=self.wait_s(limit, *who))

    def remaining(self, limit: RateLimitItem, *who: str) -> int:
        """Return how many tries are left."""
        return max(0, self._window.get_window_stats(limit, *who).remaining)

    def wait_s(self, limit: RateLimitItem, *who: str) -> int:
        """Return the seconds until one more try is allowed; 0 if one is now."""
        stats = self._window.get_window_stats(limit, *who)
        return 0 if stats.remaining > 0 else max(1, math.ceil(stats.reset_time - time.time()))

    @cached_property
    def _window(self) -> MovingWindowRateLimiter:
        # Created on first use: memory storage starts a thread, and creating the application must start none.
        return MovingWindowRateLimiter(MemoryStorage())


def rate_limiter() -> RateLimiter:
    """Return the current application's rate limiter."""
    found: RateLimiter = current_app.extensions["rate_limiter"]
    return found
