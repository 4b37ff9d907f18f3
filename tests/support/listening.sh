# listening PID: waits until the background job has become flushtrace and listens to Ctrl-C. A
# signal that comes earlier meets the shell's own copy, which ignores it.
listening() {
    local i signals
    for ((i = 0; i < 6000; i++)); do
        if [[ $(readlink "/proc/$1/exe") == "$(readlink -f "$flushtrace")" ]]; then
            signals=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
            ((0x${signals:-0} & 2)) && return
        fi
        sleep 0.01
    done
}
