#!/usr/bin/env sh
# Sets callbill up beside this file, then does what it is asked: demo, check, test, ui, or any callbill command.
# Needs Python 3.11 or newer with venv and pip; nothing is installed outside .venv.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv="$here/.venv"
task=${1:-help}
[ $# -gt 0 ] && shift
# With a home or another argument `check` is callbill's own command, of reference files and prices.
[ "$task" = check ] && [ $# -eq 0 ] && task=checks

# Marks in .venv, named after what the locks say, tell what is there: what callbill runs with, and what tests it.
sum=$(cat "$here/requirements.lock" "$here/requirements-dev.lock" | cksum | tr ' ' '-')
mark="$venv/.installed-$sum"
tools="$venv/.tools-$sum"

add() {
    "$venv/bin/python" -m pip install --quiet --no-deps "$@"
}

if [ ! -e "$mark" ]; then
    python=$(command -v "${PYTHON:-python3}") || { echo "Python 3.11 or newer is needed" >&2; exit 2; }
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Python 3.11 or newer is needed; set PYTHON to one" >&2; exit 2; }
    echo "setting up $venv (once)" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv"
    add --require-hashes --requirement "$here/requirements.lock"
    add --no-build-isolation --editable "$here"
    touch "$mark"
fi
case $task in checks | test) wanted=1 ;; *) wanted= ;; esac
if [ -n "$wanted" ] && [ ! -e "$tools" ]; then
    echo "adding what tests it to $venv (once)" >&2
    # Without the mark: what is left half done is set up from the beginning.
    rm "$mark"
    add --require-hashes --requirement "$here/requirements-dev.lock"
    touch "$tools"
    touch "$mark"
fi

lint() {
    cd "$here" && "$venv/bin/ruff" check && "$venv/bin/ruff" format --check && "$venv/bin/mypy"
}

story="tests/stories/test_stories.py::test_story"
case $task in
    help) echo "usage: ./do demo | check | test | ui | COMMAND of callbill ..."; exec "$venv/bin/callbill" --help ;;
    checks) lint && exec "$venv/bin/python" -m pytest -q -n 2 tests/unit \
        "$story[per_second]" "$story[forwarded_call]" "$story[prepaid]" ;;
    test) lint && exec "$venv/bin/python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder "$@" ;;
    *) exec "$venv/bin/callbill" "$task" "$@" ;;
esac
