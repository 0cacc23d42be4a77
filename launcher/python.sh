#!/usr/bin/env bash
# Runs the launcher with the first Python that is 3.11 or 3.12: $PYTHON if it is set, else that of an
# earlier set-up, else the first on PATH that really runs (a version manager's stand-in may exist and fail).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
home="${TESSERA_HOME:-$here/../.tessera}"

if [ -n "${PYTHON:-}" ]; then
    candidates=("$PYTHON")
else
    candidates=("$home/venv/bin/python" python3.12 python3.11 python3)
fi

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))'
for candidate in "${candidates[@]}"; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$supported" >/dev/null 2>&1; then
        exec "$candidate" -I "$here" "$@"
    fi
done

{
    echo "tessera: no Python 3.11 or 3.12 was found. Tried:"
    for candidate in "${candidates[@]}"; do
        if ! command -v "$candidate" >/dev/null 2>&1; then
            answer="not found"
        else
            answer="$("$candidate" --version 2>&1 | head -n 1)" || answer="does not run: $answer"
        fi
        echo "  $candidate: $answer"
    done
    echo "Install Python 3.11 or 3.12 with its venv module (on Debian and Ubuntu: python3 and python3-venv),"
    echo "or name one that is installed, and start again: PYTHON=/path/to/python3.12 ./spark-submit.sh JOB"
} >&2
exit 4
