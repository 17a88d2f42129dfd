#!/bin/bash
# Chromium for the browser tests: installed through apt where that is allowed.
set -u
[ -x /usr/bin/chromium ] && exit 0
apt=""
if [ "$(id -u)" = 0 ]; then apt="apt-get"; elif sudo -n true 2>/dev/null; then apt="sudo -n apt-get"; fi
if [ -n "$apt" ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser tests…"
    { $apt update -qq && DEBIAN_FRONTEND=noninteractive $apt install -y -qq chromium; } >/tmp/couachgpt-chromium.log 2>&1
fi
[ -x /usr/bin/chromium ] || echo "*** Chromium is not installed: the browser tests will be SKIPPED (they fail when CI=true) ***"
exit 0
