#!/bin/bash
# Chromium for the browser tests and bubblewrap for the sandbox: installed through apt where that is allowed.
set -u
missing=""
[ -x /usr/bin/chromium ] || missing="chromium"
command -v bwrap >/dev/null || missing="$missing bubblewrap"
[ -z "$missing" ] && exit 0
apt=""
if [ "$(id -u)" = 0 ]; then apt="apt-get"; elif sudo -n true 2>/dev/null; then apt="sudo -n apt-get"; fi
if [ -n "$apt" ] && command -v apt-get >/dev/null; then
    echo "Installing for the tests: $missing…"
    { $apt update -qq && DEBIAN_FRONTEND=noninteractive $apt install -y -qq $missing; } >/tmp/couachgpt-tests.log 2>&1
fi
[ -x /usr/bin/chromium ] || echo "*** Chromium is not installed: the browser tests will be SKIPPED (they fail when CI=true) ***"
command -v bwrap >/dev/null || echo "*** bubblewrap is not installed: running models' programs will NOT BE TESTED ***"
exit 0
