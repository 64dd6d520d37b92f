#!/usr/bin/env bash
# Runs the nightly from cron or CI: one at a time. Deletes old runs. The last line of output names the
# report.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/nightly.sh [--env NAME|FILE] [--scenario NAME|FILE] [--runs FOLDER]
                          [--keep-days N] [--keep-at-least N]

An option overrides its variable:
  --env NAME|FILE       ENVIRONMENT    an environment in config/, or a YAML file (local)
  --scenario NAME|FILE  SCENARIO       a scenario in scenarios/, or a YAML file (run.py's own)
  --runs FOLDER         RUNS           folder for runs (runs, in the project)
  --keep-days N         KEEP_DAYS      keep runs younger than this (30)
  --keep-at-least N     KEEP_AT_LEAST  keep this many of the newest runs (10)

  HARNESS   command for run.py, in the project's folder (.venv/bin/python run.py); if it is not set
            and .venv is missing, `make setup` runs first, with PYTHON (python3)

The targets of symbolic links in the runs folder and the folder history are kept too.

exit codes: those of run.py (0 passed, 1 failed, 2 wrong command or configuration, nothing was sent,
3 inconclusive), or 4: another nightly is using this runs folder.
USAGE
}

say() { printf 'nightly: %s\n' "$*" >&2; }
refuse() { say "$*"; exit 2; }

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
env_name=${ENVIRONMENT:-local} scenario=${SCENARIO:-} runs=${RUNS:-$root/runs}
keep_days=${KEEP_DAYS:-30} keep_at_least=${KEEP_AT_LEAST:-10}

while (($#)); do
    case $1 in
    --help | -h) usage; exit 0 ;;
    --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
    --env | --scenario | --runs | --keep-days | --keep-at-least)
        [[ ${2:-} ]] || refuse "$1 needs a value; see --help."
        case $1 in
        --env) env_name=$2 ;;
        --scenario) scenario=$2 ;;
        --runs) runs=$2 ;;
        --keep-days) keep_days=$2 ;;
        --keep-at-least) keep_at_least=$2 ;;
        esac
        shift ;;
    *) refuse "unknown argument $1; see --help." ;;
    esac
    shift
done

[[ $keep_days =~ ^[0-9]{1,5}$ ]] || refuse "KEEP_DAYS must be a whole number of days, not $keep_days."
[[ $keep_at_least =~ ^[0-9]{1,5}$ ]] || refuse "KEEP_AT_LEAST must be a whole number, not $keep_at_least."
for tool in flock setsid realpath find; do
    command -v "$tool" >/dev/null || refuse "$tool is missing: install util-linux and findutils."
done

# Paths are relative to the caller's folder, but run.py runs in the project's.
[[ $env_name != *.y*ml ]] || env_name=$(realpath -m -- "$env_name")
[[ $scenario != *.y*ml ]] || scenario=$(realpath -m -- "$scenario")
runs=$(realpath -m -- "$runs")
cd -- "$root"
# shellcheck source=scripts/forward_signals.bash
source scripts/forward_signals.bash

# The kernel releases the lock when the last process with descriptor 9 ends. run.py inherits it: if
# only this script is killed, the run that goes on must not be disturbed by another one.
acquire_lock() {
    local holder code=0
    mkdir -p -- "$runs" 2>/dev/null || refuse "cannot create $runs: choose another folder with --runs."
    # If the lock file cannot be created, lock the folder itself.
    { exec 9>>"$runs/.nightly.lock"; } 2>/dev/null || exec 9<"$runs" ||
        refuse "cannot read $runs: choose another folder with --runs."
    flock -n -E 4 9 2>/dev/null || code=$?
    if ((code == 4)); then
        holder=$(head -c 200 -- "$runs/.nightly.lock" 2>/dev/null | tr -d '\0\n' || true)
        say "another nightly runs ${holder:-at this moment} with $runs; nothing was done."
        exit 4
    fi
    ((code == 0)) || say "warning: cannot lock $runs, so two nightlies could overlap."
    write_holder "since $(date -u '+%Y-%m-%d %H:%M:%S UTC'), pid $$" ||
        say "warning: cannot write to the lock in $runs; is the disk full?"
}

write_holder() { { printf '%s\n' "$*" >"$runs/.nightly.lock"; } 2>/dev/null; }

latest() { readlink -- "$runs/latest" 2>/dev/null || true; }

# Delete the folders of old runs, audits (audit-) and stacks (up-), but keep the newest of each kind.
# A folder with recently written files is not old, whatever its name says: a watch runs for weeks.
delete_old_runs() {
    local oldest since links link folder name begun kind written deleted=0 code=0
    local -A linked=() seen=()
    local -a found=()
    oldest=$(date -u -d "-$((10#$keep_days)) days" +%Y%m%d-%H%M%S) || return
    since=$(date -u -d "-$((10#$keep_days)) days" +%s) || return
    links=$(find "$runs" -maxdepth 1 -type l -exec realpath -m -- {} +) || return
    while IFS= read -r link; do [[ ! $link ]] || linked[$link]=yes; done <<<"$links"
    for folder in "$runs"/*; do
        name=${folder##*/}
        [[ -d $folder && ! -L $folder &&
            $name =~ ^(audit-|up-)?([0-9]{8}-[0-9]{6})-[0-9a-f]{4}$ ]] || continue
        found+=("${BASH_REMATCH[2]} ${BASH_REMATCH[1]:-run-} $name")
    done
    ((${#found[@]})) || return 0
    while read -r begun kind name; do
        folder=$runs/$name
        seen[$kind]=$((${seen[$kind]:-0} + 1))
        ((${seen[$kind]} > 10#$keep_at_least)) || continue
        [[ $begun < $oldest && ! ${linked[$folder]:-} ]] || continue
        written=$(find "$folder" -type f -newermt "@$since" -print -quit) || { code=1; continue; }
        [[ ! $written ]] || continue
        if rm -rf -- "${folder:?}"; then deleted=$((deleted + 1)); else code=1; fi
    done < <(printf '%s\n' "${found[@]}" | sort -r)
    ((deleted == 0)) || say "retention: $deleted old run folders deleted."
    return "$code"
}

meaning_of() {
    case $1 in
    0) echo passed ;; 1) echo failed ;; 2) echo 'refused, nothing was sent' ;; 3) echo inconclusive ;;
    *) echo 'ended early' ;;
    esac
}

acquire_lock
if [[ ! ${HARNESS:-} && ! -x .venv/bin/python ]]; then
    run_forwarding_signals make setup || refuse "the project could not be set up: see above."
fi
read -r -a harness <<<"${HARNESS:-.venv/bin/python run.py}"

before=$(latest) code=0
run_forwarding_signals "${harness[@]}" nightly --env "$env_name" ${scenario:+--scenario "$scenario"} \
    --runs "$runs" || code=$?
after=$(latest)
# After a signal, leave at once: a SIGKILL may follow.
[[ $signalled ]] || delete_old_runs || say "warning: retention failed; not every old run could be deleted."

report=$runs/$after/report.html
if [[ $after != "$before" && -f $report ]]; then
    echo "nightly: exit $code ($(meaning_of "$code")), report $report"
else
    echo "nightly: exit $code ($(meaning_of "$code")), without a report"
fi
exit "$code"
