#!/usr/bin/env bash
# Installs Semantic Style into a virtual environment of its own, .venv beside this file.
set -euo pipefail

usage() {
    cat <<'TEXT'
Use: ./install.sh [--demo | --dev | --test | --uninstall | --help]

  (nothing)    install into .venv beside this file, and the plug-in into GIMP 3;
               a second run is quick
  --demo       install, then repaint part of a shipped photo: writes demo.png
  --dev        install, with what the tests and checks need
  --test       install, with what the tests need, then run the tests
  --uninstall  remove the plug-in from GIMP 3 and the .venv that this script made

PYTHON=python3.12 ./install.sh takes a particular Python (3.11 or newer).
HF_HUB_OFFLINE=1 ./install.sh does not try to fetch CLIPSeg.
TEXT
}

action=install
case "${1-}" in
    "") ;;
    --demo | --dev | --test | --uninstall) action="${1#--}" ;;
    --help | -h) usage && exit 0 ;;
    *) echo "install.sh: unknown option $1 (see ./install.sh --help)" >&2 && exit 2 ;;
esac
if [ $# -gt 1 ]; then
    echo "install.sh: one option at a time (see ./install.sh --help)" >&2
    exit 2
fi

cd "$(dirname "${BASH_SOURCE[0]}")"
root="$PWD"
venv="$root/.venv"
python="$venv/bin/python"
# Says that this script made the environment, and for which folder: a moved one is remade.
mark="$venv/made-by-install.sh"
stamp="$venv/installed"
log="$venv/install.log"
cpu_index=https://download.pytorch.org/whl/cpu

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

# begin WHAT ... finish WHAT-CAME-OF-IT: one line a step, with its seconds
begin() {
    began=$SECONDS
    printf '%-44s' "$1"
}
finish() { printf '%s (%d s)\n' "$1" "$((SECONDS - began))"; }

# logged COMMAND...: quiet, but for the end of the log when it fails
logged() {
    if ! "$@" >>"$log" 2>&1; then
        printf 'failed\n'
        tail -n 15 "$log" >&2
        fail "the last step failed; the whole log is in $log"
    fi
}

size_of() { du -sh "$1" | cut -f1; }

uninstall() {
    if [ ! -e "$venv" ]; then
        echo "nothing to remove: there is no $venv"
    elif [ ! -f "$mark" ]; then
        echo "left alone: $venv was not made by install.sh"
    else
        local size
        "$venv/bin/semantic-style" gimp uninstall 2>/dev/null | grep '^removed' || true
        size="$(size_of "$venv")"
        rm -rf "$venv" "$root/semantic_style.egg-info"
        echo "removed $venv ($size)"
        echo "fetched weights and your own styles stay in your data folder and the hub's cache"
    fi
}

find_python() {
    local candidate
    for candidate in "${PYTHON-}" python3.13 python3.12 python3.11 python3.14 python3 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        elif [ "$candidate" = "${PYTHON-}" ]; then
            fail "PYTHON=$PYTHON is no Python 3.11 or newer"
        fi
    done
    fail "no Python 3.11 or newer was found: install one, or set PYTHON=/path/to/python3"
}

make_venv() {
    if [ -f "$mark" ] && [ "$(cat "$mark")" = "$root" ] && "$python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    if [ -e "$venv" ] && [ ! -f "$mark" ]; then
        "$python" -m pip --version >/dev/null 2>&1 || fail "$venv is in the way: move it elsewhere"
        echo "using the .venv that is here already"
        return
    fi
    local base
    base="$(find_python)"
    begin "virtual environment"
    rm -rf "$venv"
    "$base" -m venv "$venv" >/dev/null || {
        rm -rf "$venv"
        fail "$base can't make virtual environments (Debian, Ubuntu: apt install python3-venv)"
    }
    printf '%s' "$root" >"$mark"
    finish "$("$python" --version)"
}

torch_works() { "$python" -c 'import torch, torchvision' >>"$log" 2>&1; }

# A look-up of a name heeds no timeout, an alarm ends it all the same.
answers() {
    "$python" -c '
import signal, sys, urllib.request
signal.alarm(5)
urllib.request.urlopen(sys.argv[1], timeout=4).close()' "$1" >>"$log" 2>&1
}

# --no-compile: Python compiles what is really imported, on first use; all of it takes a minute.
install_torch() {
    if torch_works; then
        return
    fi
    begin "PyTorch"
    local build="PyPI's build"
    if [ "$(uname -s)" = Linux ] && ! nvidia-smi -L >/dev/null 2>&1 && (answers "$cpu_index/torch/") 2>/dev/null &&
        "$python" -m pip install --no-compile torch torchvision --index-url "$cpu_index" >>"$log" 2>&1; then
        build="the CPU build"
    else
        logged "$python" -m pip install --no-compile torch torchvision
    fi
    if ! torch_works; then
        # A mirror or a local wheel folder can offer a torch that torchvision was not built for.
        PIP_FIND_LINKS='' PIP_CONFIG_FILE=/dev/null logged "$python" -m pip install \
            --no-compile --force-reinstall torch torchvision
        torch_works || fail "torchvision does not load; the whole log is in $log"
        build="PyPI's build, second attempt"
    fi
    finish "$("$python" -c 'import torch; print(torch.__version__)'), $build, .venv is $(size_of "$venv")"
}

install_project() {
    local extras="$1" wanted
    wanted="$root $extras $(cksum <pyproject.toml)"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        echo "installed already ($(basename "$venv"), $extras)"
        return
    fi
    install_torch
    begin "Semantic Style"
    logged "$python" -m pip install --no-compile -e ".[$extras]"
    torch_works || fail "torchvision does not load; the whole log is in $log"
    printf '%s' "$wanted" >"$stamp"
    finish ".venv is $(size_of "$venv")"
}

fetch_clipseg() {
    local there='from semantic_style.weights.store import weight_path; weight_path("clipseg")'
    if "$python" -c "$there" >/dev/null 2>&1; then
        return
    fi
    begin "CLIPSeg (603 MB, any phrase)"
    if "$venv/bin/semantic-style" weights fetch clipseg >>"$log" 2>&1; then
        finish "fetched"
    else
        finish "the hub does not answer: the built-in segmenter does the work"
    fi
}

plug_into_gimp() {
    local said
    begin "plug-in for GIMP 3"
    if said="$("$venv/bin/semantic-style" gimp install 2>>"$log")"; then
        finish "in $(grep -c '^installed' <<<"$said") profile(s)"
    elif [ -n "$said" ]; then
        finish "not everywhere: see .venv/bin/semantic-style gimp status"
    else
        finish "no GIMP 3 found; later: .venv/bin/semantic-style gimp install"
    fi
}

if [ "$action" = uninstall ]; then
    uninstall
    exit 0
fi

make_venv
: >>"$log"
case "$action" in
    dev | test) install_project test ;;
    *) install_project train ;;
esac
case "$action" in
    install)
        fetch_clipseg
        plug_into_gimp
        echo "done: .venv/bin/semantic-style --help"
        ;;
    demo)
        fetch_clipseg
        picture=demo.png
        number=1
        while [ -e "$picture" ]; do
            number=$((number + 1))
            picture="demo-$number.png"
        done
        "$venv/bin/semantic-style" demo -o "$picture"
        ;;
    test) "$python" -m pytest ;;
esac
