"""The files for systemd and nginx agree with the program, and leave little open."""

import re
import shutil
import subprocess

import pytest

from app.chat.transfer import LARGEST_MB
from tests.structure.sources import ROOT

SERVICE, NGINX = ROOT / "deploy/couachgpt.service", ROOT / "deploy/nginx.conf"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="*** systemd is missing: the unit is NOT RATED ***")
def test_the_service_may_do_little() -> None:
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", SERVICE], capture_output=True, text=True, check=False
    )
    exposure = re.search(r"exposure level for couachgpt.service: ([\d.]+)", rated.stdout)
    assert exposure, rated.stderr
    assert float(exposure[1]) <= 4


def test_what_the_service_writes_is_its_own_and_it_keeps_its_priority() -> None:
    lines = SERVICE.read_text().splitlines()
    assert "UMask=0077" in lines
    assert not [line for line in lines if line.startswith(("Nice=", "CPUWeight=", "CPUQuota="))]


def test_nothing_is_installed_but_the_files_that_were_looked_at() -> None:
    for name in ("requirements.txt", "requirements-embedded.txt", "requirements-documents.txt", "requirements-lab.txt"):
        text = (ROOT / name).read_text().replace("\\\n", "")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert lines
        for line in lines:
            assert re.fullmatch(r"[\w.-]+==[\w.]+(?:\s+--hash=sha256:[0-9a-f]{64})+", line), line[:80]


def test_nginx_takes_the_largest_import_and_tells_the_clients_own_address() -> None:
    text = NGINX.read_text()
    assert f"client_max_body_size {LARGEST_MB}m;" in text
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    assert "HOST=127.0.0.1" in text
