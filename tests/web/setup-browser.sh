#!/usr/bin/env bash
# Installs Debian's Chromium for the tests of the page.
set -euo pipefail
if ! command -v apt-get > /dev/null; then
    echo "there is no apt-get here: install Chromium, or set SEMANTIC_STYLE_BROWSER=no" >&2
    exit 1
fi
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends chromium fonts-dejavu-core
