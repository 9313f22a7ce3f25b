/**
 * What runs at a terminal of its own: docker says how many bytes of a layer are there only to a terminal. It is given one
 * by util-linux's `script`, and no more than that:
 * - `stty` makes lines of what docker redraws, and echoes nothing;
 * - `setsid` takes the controlling terminal away, so that nobody can be asked anything there (sudo, helpers for
 *   credentials), stdin is empty, and stderr (3) passes the terminal by: its words are those of any other pull;
 * - without a controlling terminal docker is told of no hang-up, so its end is passed on by hand.
 */
const atTerminal = `set -f
IFS="
"
set -- $rollout_words
unset IFS rollout_words
pid= stop=
trap "stop=KILL; [ -z \\"\\$pid\\" ] || kill -9 \\$pid" HUP
trap "stop=TERM; [ -z \\"\\$pid\\" ] || kill \\$pid" INT TERM
stty -echo -onlcr ocrnl cols 80 rows 24 && echo rollout-begun || exit
setsid "$@" </dev/null 2>&3 3>&- &
pid=$!
echo "rollout-runs $pid"
[ -z "$stop" ] || kill -"$stop" "$pid"
while :; do wait "$pid"; code=$?; kill -0 "$pid" 2>/dev/null || break; done
printf "\\nrollout-ended %s\\n" "$code"`;

/**
 * For scripts: `told WORDS…` runs a docker command that pulls. Where the host can, its stdout has bytes within a layer as
 * well, once a second for each; anywhere else it is run as it is. That is decided before docker is started, so that
 * nothing is pulled twice. Excluded are other programs called `script`, and a docker that is a script itself: what that
 * does at a terminal nobody knows.
 */
export const toldFunction = `
can_tell() {
  command -v setsid >/dev/null && command -v stty >/dev/null || return
  case $(script --version 2>/dev/null </dev/null) in *util-linux\\ 2.[3-9][0-9]*) ;; *) return 1 ;; esac
  case $(head -c 4 "$(command -v "$1")" 2>/dev/null) in ?ELF) ;; *) return 1 ;; esac
}
told() {
  can_tell "$1" || { "$@"; return; }
  esc=$(printf '\\033')
  words=$(printf '%s\\n' "$@")
  { rollout_words=$words SHELL=/bin/sh TERM=xterm script -qefc '${atTerminal}' /dev/null </dev/null 3>&2 2>/dev/null; echo; } | {
    # Where nobody reads any more, script itself goes on without a word: then docker is ended here.
    trap '' PIPE
    begun= code= runs=
    while IFS= read -r line; do
      case $line in
        *rollout-begun) begun=yes; continue ;;
        *'rollout-runs '*) runs=\${line##* }; continue ;;
        'rollout-ended '*) code=\${line#* }; continue ;;
        # Movements of the cursor, in front of what may be a line.
        *"$esc"*) line=\${line##*"$esc"}; line=\${line#"\${line%%[A-Za-z]*}"?} ;;
      esac
      [ -n "$line" ] || continue
      id=\${line%%:*}
      case $id in
        '' | *[!0-9a-f]*) ;;
        *)
          word=\${line#*: } now=
          word=\${word%% *}
          [ "$word" != Downloading ] || IFS=' .' read -r now rest 2>/dev/null </proc/uptime
          eval "last=\\\${seen_$id-}"
          [ "$last" != "$word$now" ] || continue
          eval "seen_$id=\\$word\\$now"
          ;;
      esac
      printf '%s\\n' "$line" 2>/dev/null && continue
      case $runs in '' | *[!0-9]*) ;; *) kill "$runs" ;; esac
      exit
    done
    # No terminal could be opened: docker was not started.
    trap - PIPE
    [ -n "$begun" ] || exec "$@" </dev/null
    exit "\${code:-137}"
  }
}`;
