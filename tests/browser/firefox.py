"""A Firefox without a screen, driven over Marionette, its own protocol: messages of JSON behind their length."""

import base64
import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

from tests.browser.served import HOST, free_port
from tests.support.processes import wait_until

FIREFOX = Path("/usr/bin/firefox-esr")
START_S = 60.0
PATIENCE_S = 30
# Pixels.
NARROWEST = 500
# How WebDriver names an element in JSON.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PREFERENCES = {
    # The name that is not localhost leads here: plain HTTP is then no secure context, as on the company's LAN.
    "network.dns.localDomains": HOST,
    "network.proxy.type": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "intl.accept_languages": "fr-FR, fr",
    "ui.prefersReducedMotion": 1,
}


class Firefox:
    """`with Firefox(folder) as browser:`; commands are WebDriver's."""

    def __init__(self, folder: Path, *, dark: bool = False) -> None:
        self._folder = folder
        self._port = free_port()
        self._count = 0
        self._dark = dark

    def __enter__(self) -> "Firefox":
        self._folder.mkdir(parents=True, exist_ok=True)
        preferences = PREFERENCES | {
            "marionette.port": self._port,
            "layout.css.prefers-color-scheme.content-override": 0 if self._dark else 1,
        }
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
        (self._folder / "user.js").write_text("\n".join(lines))
        command = [
            FIREFOX,
            "--headless",
            "--no-remote",
            "--marionette",
            "-remote-allow-system-access",
            "--profile",
            self._folder,
        ]
        environ = os.environ | {"HOME": str(self._folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
        try:
            wait_until(self._listens, START_S)
            self._socket.settimeout(PATIENCE_S * 2)
            self._receive()
            self.call("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"unhandledPromptBehavior": "dismiss"}}})
            self.call("WebDriver:SetTimeouts", {"implicit": PATIENCE_S * 1000, "pageLoad": PATIENCE_S * 1000})
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(20)

    def call(self, command: str, parameters: dict[str, Any] | None = None) -> Any:
        """One command; its result."""
        self._count += 1
        message = json.dumps([0, self._count, command, parameters or {}]).encode()
        self._socket.sendall(str(len(message)).encode() + b":" + message)
        _kind, _number, error, result = self._receive()
        assert error is None, f"{command} {parameters}: {error and error['message']}"
        return result["value"] if isinstance(result, dict) and set(result) == {"value"} else result

    def open(self, address: str) -> None:
        self.call("WebDriver:Navigate", {"url": address})

    def element(self, selector: str) -> dict[str, str]:
        """The first element, waited for."""
        found: dict[str, str] = self.call("WebDriver:FindElement", {"using": "css selector", "value": selector})
        return found

    def click(self, selector: str) -> None:
        self.call("WebDriver:ElementClick", {"id": self.element(selector)[ELEMENT]})

    def type(self, selector: str, text: str) -> None:
        self.call("WebDriver:ElementSendKeys", {"id": self.element(selector)[ELEMENT], "text": text})

    def press(self, *keys: str) -> None:
        """Keys held together, where the focus is."""
        actions = [{"type": "keyDown", "value": key} for key in keys]
        actions += [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self.call("WebDriver:PerformActions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def run(self, expression: str) -> Any:
        """The value of an expression of the page's language."""
        return self.call("WebDriver:ExecuteScript", {"script": f"return {expression}", "args": []})

    def until(self, expression: str) -> None:
        """Wait until it is true in the page."""
        wait_until(lambda: bool(self.run(expression)), PATIENCE_S)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("WebDriver:TakeScreenshot", {"full": False})))

    def resize(self, width: int, height: int) -> None:
        """Give the page this size; below what a window can have, by its zoom, as a person would."""
        zoom = max(1.0, NARROWEST / width)
        self.call("Marionette:SetContext", {"value": "chrome"})
        self.run(f"gBrowser.selectedBrowser.fullZoom = {zoom}")
        frame = self.run(
            "[outerWidth - gBrowser.selectedBrowser.clientWidth, outerHeight - gBrowser.selectedBrowser.clientHeight]"
        )
        self.call(
            "WebDriver:SetWindowRect",
            {"width": round(width * zoom) + frame[0], "height": round(height * zoom) + frame[1]},
        )
        self.call("Marionette:SetContext", {"value": "content"})
        # Zooms are of whole parts of a pixel.
        self.until(f"Math.abs(innerWidth - {width}) <= 2")

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=5)
        except OSError:
            return False
        return True

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._read(1)
        return json.loads(self._read(int(length[:-1])))

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            assert piece, "Firefox closed the connection"
            data += piece
        return data
