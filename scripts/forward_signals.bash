# shellcheck shell=bash
# Sourced by scripts: run a command, forward signals to it once, and wait until it has ended.

signalled='' signalled_at_s=0 child='' interrupted=''

# A second signal would end the command at once, and one event may send several: `timeout` signals
# the script and then its whole process group. So signals within a second count as one.
forward_signal() {
    interrupted=yes
    [[ ! $signalled ]] || ((SECONDS > signalled_at_s + 1)) || return 0
    signalled=yes signalled_at_s=$SECONDS
    [[ ! $child ]] || kill -TERM "$child" 2>/dev/null || true
}
trap forward_signal INT TERM HUP QUIT

# run_forwarding_signals COMMAND...: run it to its end, and return its exit code. It gets a session of
# its own: otherwise Ctrl-C would reach it twice, from the terminal and from this script.
run_forwarding_signals() {
    local code
    [[ ! $signalled ]] || return 143
    setsid -- "$@" &
    child=$!
    [[ ! $signalled ]] || kill -TERM "$child" 2>/dev/null || true
    while :; do
        interrupted='' code=0
        wait "$child" || code=$?
        [[ $interrupted ]] || break # a trapped signal ends `wait`: the code is not the command's
    done
    child=''
    return "$code"
}
