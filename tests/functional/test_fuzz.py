"""Anything at all sent to every address: it may be refused in many ways, and never with a crash."""

import io
import random
import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from app.accounts.forms import Form
from app.web import JsonRequest
from tests.fakes.ollama import FakeOllama
from tests.structure.sources import files
from tests.support.person import Person
from tests.support.program import token_of
from tests.support.site import Site

# The names that views read, as the code names them.
READ = re.compile(r"request\.(?:args|form)\.(?:get|getlist)\(\s*\"(\w+)\"|number_asked\(\"(\w+)\"")
TEXTS: tuple[str, ...] = (
    "", " ", "0", "1", "-1", "01", "2147483648", "9223372036854775808", "1" * 5000, "1e999", "0x1", "NaN", "٣", "²",
    "true", "yes", "None", "null", "done", "phi3:mini", "inconnu", "json", "html", "csv", "md", "alice", "admin",
    "a" * 300, "é" * 3000, "..", "../../etc/passwd", "%00", "%", "%%s%n", "{0}", "{{7*7}}", "${x}", "<b>", "'\"--",
    "\0", "a\0b", "\r\nX: y", "\ud83d", "\ud83d\ude00", "🙂", "\u202eabc", "\u0301", "\u3164", "ﷺ" * 64, "dossier:",
    'depuis:31/02/2026 "', "NEAR(a b", "*", "a" * 64 + ".lan", "2026-13-45", "[", "a,b;c", "=1+1", "/", "//host/", "\\",
)  # fmt: skip
SCALARS: tuple[Any, ...] = (None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, -1e308, [], {})
RAW = (
    b"", b"null", b"[", b"[" * 100_000, b'{"content": ' + b"[" * 100_000, b'"x"', b"[1]", b"\xff\xfe", b"\0" * 100,
    b'{"a": 1e999}', b'{"content": "\xed\xa0\x80"}', b'{"a":' * 2000 + b"1" + b"}" * 2000, b"a=1&a=2&=&&%", b"--x\r\n",
)  # fmt: skip
MIMETYPES = (
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data",
    "text/plain", "application/json; charset=utf-16", "text/plain; charset=nothing", "\xff", "", "a/b; c*=x''%ff",
)  # fmt: skip
HEADERS: dict[str, tuple[str, ...]] = {
    "Host": ("..", "x..y", "a" * 64 + ".lan", "[::1]", "x:99999999", "a b", "", "-", "127.0.0.1"),
    "Accept": ("application/json", "text/html;q=x", "*/*;q=-1", "\xff", ",;,"),
    "Accept-Language": ("en", "zz;q=9", "\xff", "a" * 999, "en-;q=0.5,*"),
    "Accept-Encoding": ("gzip", "gzip;q=0", "*;q=x"),
    "Last-Event-ID": ("0", "1", "-1", "x", "9" * 5000, "²", "\xff"),
    "X-Forwarded-For": ("", "x", "::1, 10.0.0.1", "a" * 999, "\xff"),
    "X-Forwarded-Host": ("..", "x..y", "a" * 64, "xn--a", "evil.test"),
    "X-Forwarded-Proto": ("https", "ftp", "", "\xff"),
    "Cookie": ("couachgpt=", "couachgpt=x.y.z", "=; ;", "\xff", "couachgpt=" + "a" * 5000),
    "Referer": ("http://[", "", "\xff"),
    "User-Agent": ("", "a" * 5000, "\xff"),
    "Authorization": ("Bearer ", "Bearer \xff", "Basic ====", "Digest x", "x"),
    "Content-Length": ("0",),
    "Range": ("bytes=0-0", "bytes=x"),
    "X-CSRFToken": ("", "x", "\xff"),
    "If-None-Match": ("*", "\xff"),
    "If-Modified-Since": ("x", "Thu, 99 Zzz 0000 99:99:99 GMT"),
}  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "x")
# It would sign the administrator out, whom all others need.
LEFT_OUT = {"accounts.logout"}
# It starts a process each time: tried in every twentieth round.
COSTLY = {"chat.import_file"}
JSON_FIELDS = sorted({name for kind in JsonRequest.__subclasses__() for name in kind.model_fields} | {"x", "__class__"})
FORM_FIELDS = sorted(
    {name for kind in Form.__subclasses__() for name in vars(kind) if not name.startswith("_")}
    | {name for path in files("app", ".py") for pair in READ.findall(path.read_text()) for name in pair if name}
)


class Fuzz:
    """Made-up requests of all kinds, with and without an administrator's session; the same for the same seed."""

    def __init__(self, site: Site, seed: int, log: pytest.LogCaptureFixture) -> None:
        self._log = log
        self._dice = random.Random(seed)
        self._client = site.app.test_client(use_cookies=False)
        self._admin = Person(site.app, "alice")
        assert self._admin.register().status_code == 302
        conversation = self._admin.start()
        message = self._admin.ask(conversation, "Bonjour").end().message_id
        share = self._admin.api("POST", f"/conversations/{conversation}/shares").json["id"]
        file = self._admin.document("a.txt", b"Bonjour")["id"]
        self._ids = (conversation, share, file, str(message), str(message - 1))
        self._token = token_of(self._admin)
        self._rules = [each for each in site.app.url_map.iter_rules() if each.endpoint not in LEFT_OUT]

    def crashes(self, count: int) -> Iterator[str]:
        """Send so many requests, to each address in turn; each that failed, with what was sent and what was logged."""
        for number in range(count):
            if number % 100 == 0:
                self._sign_in()
            rule = self._rules[number % len(self._rules)]
            if rule.endpoint in COSTLY and number // len(self._rules) % 20 != 19:
                continue
            usual = sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
            method = self._dice.choice(usual) if self._dice.random() < 0.9 else self._dice.choice(METHODS)
            path = re.sub(r"<[^>]*>", lambda _place: quote(self._place(), errors="surrogatepass"), rule.rule)
            headers, sent = self._headers(), self._body()
            self._log.clear()
            try:
                status: Any = self._status(method, path, headers, sent)
            except Exception:  # noqa: BLE001 - whatever leaves the application is what is looked for
                status = traceback.format_exc()
            if not isinstance(status, int) or status == 500:
                yield f"{status} {method} {path} {headers} {sent!r:.500}\n{self._log.text}"

    def _status(self, method: str, path: str, headers: dict[str, str], sent: dict[str, Any]) -> int:
        if self._dice.random() < 0.9:
            headers = self._pass | headers
        answer = self._client.open(path, method=method, headers=headers, **sent)
        answer.close()
        return answer.status_code

    def _sign_in(self) -> None:
        """Anew, as one of the requests may have signed the administrator out."""
        person = Person(self._admin.app, "alice")
        assert person.sign_in().status_code == 302
        token, cookie = person.token, person.client.get_cookie("couachgpt")
        assert cookie is not None
        self._pass = {"X-CSRFToken": token, "Cookie": f"couachgpt={cookie.value}"}
        self._pass["Authorization"] = f"Bearer {self._token}"

    def _place(self) -> str:
        return self._dice.choice(self._ids if self._dice.random() < 0.6 else TEXTS)

    def _headers(self) -> dict[str, str]:
        names = self._dice.sample(sorted(HEADERS), self._dice.choice((0, 0, 1, 3)))
        return {name: self._dice.choice(HEADERS[name]) for name in names}

    def _fields(self) -> str:
        names = self._dice.choices(FORM_FIELDS, k=self._dice.randrange(8))
        return urlencode([(name, self._place()) for name in names], errors="surrogatepass")

    def _value(self, depth: int = 0) -> Any:
        dice, kind = self._dice, self._dice.random()
        if kind < 0.6 or depth > 2:
            return self._place()
        if kind < 0.8:
            return dice.choice(SCALARS)
        if kind < 0.9:
            return [self._value(depth + 1) for _ in range(dice.randrange(4))]
        return {name: self._value(depth + 1) for name in dice.choices(JSON_FIELDS, k=dice.randrange(4))}

    def _body(self) -> dict[str, Any]:
        dice = self._dice
        sent: dict[str, Any] = {"query_string": self._fields()} if dice.random() < 0.5 else {}
        match dice.randrange(5):
            case 0:
                names = dice.choices(JSON_FIELDS, k=dice.randrange(1, 6))
                sent["json"] = {name: self._value() for name in names}
            case 1:
                sent |= {"data": self._fields(), "content_type": MIMETYPES[1]}
            case 2:
                file = (io.BytesIO(dice.choice(RAW)), ascii(self._place()))
                sent |= {"data": {dice.choice((*FORM_FIELDS, "file")): file}, "content_type": "multipart/form-data"}
            case 3:
                sent |= {"data": dice.choice(RAW), "content_type": dice.choice(MIMETYPES)}
        return sent


@pytest.fixture
def fuzzed(
    make_site: Callable[..., Site], ollama: FakeOllama, caplog: pytest.LogCaptureFixture
) -> Callable[[int], Fuzz]:
    # Whatever is asked is answered at once, and nobody is held up by limits.
    site = make_site(TRUSTED_PROXIES=1, LOGIN_LIMIT="100000 per minute", REGISTER_LIMIT="100000 per minute")
    return lambda seed: Fuzz(site.start(ollama), seed, caplog)


def test_nothing_that_is_sent_makes_the_program_fail(fuzzed: Callable[[int], Fuzz]) -> None:
    crashes = "\n".join(fuzzed(1).crashes(400))
    assert not crashes, crashes


@pytest.mark.slow
def test_nothing_among_ten_thousand_requests_makes_the_program_fail(fuzzed: Callable[[int], Fuzz]) -> None:
    # A hundred are imports that are left out.
    crashes = "\n".join(fuzzed(2).crashes(10_100))
    assert not crashes, crashes
