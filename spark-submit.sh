#!/usr/bin/env bash
# ./spark-submit.sh JOB [options] [--master URL] [--offline] [-- spark-submit options]
#
# The one way to start Tessera, on a laptop and on a cluster. Sets up what is missing (launcher/), then
# runs the job under the real spark-submit. `./spark-submit.sh --help` lists the jobs.
set -euo pipefail

started="${EPOCHREALTIME:-$(date +%s)}" # EPOCHREALTIME writes the decimal separator of the locale
export TESSERA_STARTED_AT="${started/,/.}"

exec "$(dirname "${BASH_SOURCE[0]}")/launcher/python.sh" run "$@"
