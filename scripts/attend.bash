# shellcheck shell=bash
# Sourced: a command is started so that a signal to the script reaches it, once, and is waited for.

signalled='' signalled_at_s=0 attended='' woken=''

# What is told to end twice ends at once, and several senders may mean one thing: `timeout` tells
# the script and then its whole group.
pass_on() {
    woken=yes
    [[ ! $signalled ]] || ((SECONDS > signalled_at_s + 1)) || return 0
    signalled=yes signalled_at_s=$SECONDS
    [[ ! $attended ]] || kill -TERM "$attended" 2>/dev/null || true
}
trap pass_on INT TERM HUP QUIT

# attend COMMAND...: run it to its end, and return its exit code. It has a session of its own:
# else Ctrl-C would reach it from the terminal and from here.
attend() {
    local code
    [[ ! $signalled ]] || return 143
    setsid -- "$@" &
    attended=$!
    [[ ! $signalled ]] || kill -TERM "$attended" 2>/dev/null || true
    while :; do
        woken='' code=0
        wait "$attended" || code=$?
        [[ $woken ]] || break # else the code may be the signal's
    done
    attended=''
    return "$code"
}
