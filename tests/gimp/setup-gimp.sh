#!/usr/bin/env bash
# Makes a real GIMP 3 for the tests: a small Debian in a folder of the user's cache, entered by chroot.
# Use: tests/gimp/setup-gimp.sh [3.0 | 3.2 | all]     (default 3.0; some 90 s and 0.8 GB each, once)
#
# 3.0 comes from Debian's trixie, 3.2 from forky. Needs root on Debian or Ubuntu with debootstrap, or
# apt to get it. GIMP3_CACHE=DIR keeps them elsewhere than ~/.cache/gimp3. A finished one holds the
# file .gimp3-ready; a folder without it is what an interrupted run left, and is made again.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

cache="${GIMP3_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gimp3}"
# GIMP; cairo and icons for its Python dialogs; what shows, drives and pictures a window without a screen.
packages=(gimp python3-gi-cairo adwaita-icon-theme fonts-dejavu-core
    xvfb xauth xdotool openbox imagemagick x11-utils procps)

fail() {
    echo "setup-gimp.sh: $1" >&2
    exit 1
}

# The mirrors that apt uses on this machine, one a line: they are the ones that can be reached.
mirrors() { apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed 's:/*$::' | sort -u; }

check_machine() {
    command -v apt-get >/dev/null || fail "no real GIMP can be made here: it needs Debian or Ubuntu"
    [ "$(id -u)" = 0 ] || fail "no real GIMP can be made here without root: sudo tests/gimp/setup-gimp.sh"
    command -v debootstrap >/dev/null || {
        apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap
    } >&2 || fail "debootstrap is missing and could not be installed: apt install debootstrap"
}

# configure ROOT SUITE MIRROR: a lean apt that starts no services
configure() {
    local root="$1" suite="$2" mirror="$3" security
    printf 'path-exclude=/usr/share/%s/*\n' doc man info locale >"$root/etc/dpkg/dpkg.cfg.d/lean"
    cat >"$root/etc/apt/apt.conf.d/lean" <<'APT'
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
// a mirror that stands still on purpose is as good
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
APT
    cp -n /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    {
        echo "deb $mirror $suite main"
        if [ "$suite" = trixie ]; then
            echo "deb $mirror trixie-updates main"
            security="$(mirrors | grep -m1 debian-security || true)"
            [ -z "$security" ] || echo "deb $security trixie-security main"
        fi
    } >"$root/etc/apt/sources.list"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
}

# make ROOT SUITE: everything that may fail, one after the other
make() {
    local root="$1" suite="$2" mirror script="$2"
    mirror="${MIRROR:-$(mirrors | grep -m1 '/debian$' || true)}"
    : "${mirror:=http://deb.debian.org/debian}"
    # an older debootstrap has no script for a newer suite; all are like sid's
    [ -e "/usr/share/debootstrap/scripts/$suite" ] || script=sid
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" "$script" &&
        configure "$root" "$suite" "$mirror" &&
        chroot "$root" apt-get update &&
        chroot "$root" apt-get install -y "${packages[@]}" &&
        chroot "$root" apt-get clean &&
        rm -rf "$root"/var/lib/apt/lists/* &&
        chroot "$root" gimp-console --version
}

ready() {
    local version="$1" suite="$2" root="$cache/$2" log="$cache/$2.log" began=$SECONDS
    if [ ! -e "$root/.gimp3-ready" ]; then
        check_machine
        ! grep -qF " $root/" /proc/mounts || fail "something is mounted under $root: unmount it first"
        mkdir -p "$cache"
        rm -rf --one-file-system "$root"
        make "$root" "$suite" >"$log" 2>&1 ||
            fail "GIMP $version could not be made ($(tail -n 1 "$log")); the whole log is in $log"
        touch "$root/.gimp3-ready"
    fi
    echo "GIMP $version is ready in $root ($((SECONDS - began)) s)"
}

case "${1:-3.0}" in
    3.0) ready 3.0 trixie ;;
    3.2) ready 3.2 forky ;;
    all) ready 3.0 trixie && ready 3.2 forky ;;
    *) fail "which GIMP is $1? 3.0, 3.2 or all" ;;
esac
