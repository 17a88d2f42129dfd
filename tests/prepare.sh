#!/bin/bash
# Chromium for the browser tests; bubblewrap, Xvfb and tkinter for the sandbox; LibreOffice for documents: installed through apt where allowed.
set -u
missing=""
[ -x /usr/bin/chromium ] || missing="chromium"
command -v bwrap >/dev/null || missing="$missing bubblewrap"
command -v Xvfb >/dev/null || missing="$missing xvfb"
.venv/bin/python -c "import tkinter" 2>/dev/null || missing="$missing python3-tk"
apt=""
if [ "$(id -u)" = 0 ]; then apt="apt-get"; elif sudo -n true 2>/dev/null; then apt="sudo -n apt-get"; fi
command -v apt-get >/dev/null || apt=""
if [ -n "$missing" ] && [ -n "$apt" ]; then
    echo "Installing for the tests: $missing…"
    { $apt update -qq && DEBIAN_FRONTEND=noninteractive $apt install -y -qq $missing; } >/tmp/couachgpt-tests.log 2>&1
fi
# The same browser without its window: the tests do without it too, only slower.
if [ ! -x /usr/bin/chromium-headless-shell ] && [ -n "$apt" ]; then
    DEBIAN_FRONTEND=noninteractive timeout 180 $apt install -y -qq chromium-headless-shell >>/tmp/couachgpt-tests.log 2>&1
fi
# Only what writes its formats, not its 300 MB of recommended packages.
if ! command -v soffice >/dev/null && [ -n "$apt" ]; then
    DEBIAN_FRONTEND=noninteractive $apt install -y -qq --no-install-recommends \
        libreoffice-writer libreoffice-calc libreoffice-impress >>/tmp/couachgpt-tests.log 2>&1
fi
[ -x /usr/bin/chromium ] || echo "*** Chromium is not installed: the browser tests will be SKIPPED (they fail when CI=true) ***"
command -v bwrap >/dev/null || echo "*** bubblewrap is not installed: running models' programs will NOT BE TESTED ***"
command -v soffice >/dev/null || echo "*** LibreOffice is not installed: reading its files will NOT BE TESTED ***"
exit 0
