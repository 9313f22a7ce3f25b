/** Where the lock's file may be; the first that is writable for everyone. */
export const lockFolders = ['/run/lock', '/var/lock', '/tmp'];
/** Where it is for root. */
export const rootFolder = '/run/rollout';
/** Where root's runs are kept on a host. */
export const rootStateFolder = '/var/lib/rollout';
/** Where those of others are, below their home folder. */
export const userStateFolder = '.local/state/rollout';
/** How long any reading of a host may take that goes out with the lock. */
export const reportSeconds = 60;
/** The host lets go of a lock that has not been heard of for so long: its controller lost power, or its network. */
const silenceSeconds = 30;

/**
 * Prints `held`, or `busy PID USER FILE TEXT`, or what is wrong; then holds the lock until its stdin ends or falls silent.
 * A byte of stdin is a sign of life; `!` says that the run has all its hosts, and goes into the file; `#` comes before a
 * line `FOLDER NAME MOST TEXT`, which is kept on the host as a file for its user alone, whole or not at all: of each folder
 * the MOST files whose names sort last. One byte at a time is read, and no more: what follows is the shell's to read. The
 * words behind `--` are a command to run meanwhile: without the lock's descriptors, and ended with the lock, so that
 * nobody waits for it.
 *
 * Every user must come to the same file: the first folder that is world-writable and sticky, whoever asks. Anybody may
 * hold a lock there, so root's runs go by a file in a folder of root's own. They hold the shared one besides, so that
 * others give way to them; whoever has that one holds a root's run up only if he may use docker, as a run must.
 *
 * It starts as few processes as it can: on a fleet of hosts each costs more than all that the shell does by itself.
 *
 * What stands in a shared folder is looked at before it is opened: the open of a pipe would wait for its other end. It is
 * opened without O_CREAT where it exists, as fs.protected_regular keeps even root from creating over another user's file,
 * and written through /proc/self/fd for the same reason. busybox's flock cannot wait, so the script does.
 *
 * Who holds it is said by the kernel: the file's text is whatever its holder, or anybody, has written there. A lock's pid
 * in /proc/locks is that of the `flock` that took it, which may have ended; then it is who has the file open.
 */
export const lockScript = `
fail() { echo "$1"; exit 69; }
command -v flock >/dev/null || fail 'there is no flock command'
left=$1 text=$2 going_on=$3 mark=$4 own=$5 state=$6
shift 6
root=$(id -u)
[ "$root" = 0 ] || state=\${HOME:-}/${userStateFolder}
dir= folders=
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
  [ -z "$dir" ] && [ -d "$1" ] && [ -k "$1" ] && [ -w "$1" ] && dir=$1
  folders="$folders $1"
  shift
done
file= shared= here=$PWD
[ -z "$dir" ] || { cd -P "$dir" && shared=$PWD/rollout.lock; }
[ -n "$own" ] && [ "$root" = 0 ] && { [ -d "$own" ] || mkdir -m 700 "$own" 2>/dev/null; }
if [ -n "$own" ] && [ "$root" = 0 ] && [ -d "$own" ] && [ ! -L "$own" ] && [ -O "$own" ]; then
  cd -P "$own" && file=$PWD/rollout.lock
else
  [ -n "$shared" ] || fail "none of these folders is there and writable for everyone:$folders"
  file=$shared shared=
fi
cd "$here" 2>/dev/null
owner() { ls -ld "$1" 2>/dev/null | { read -r _ _ name _; echo "\${name:-?}"; }; }
odd() {
  kind=
  if [ -L "$1" ]; then kind='a link'
  elif [ -p "$1" ]; then kind='a pipe'
  elif [ -e "$1" ] && [ ! -f "$1" ]; then kind='no plain file'
  elif [ -e "$1" ] && [ ! -r "$1" ]; then kind='not readable'
  fi
  [ -n "$kind" ]
}
make() { (umask "$2"; set -C; : >"$1") 2>/dev/null; }
odd "$file" && fail "$file is $kind, made by user $(owner "$file"); remove it on the host"
[ -e "$file" ] || make "$file" 0
exec 9<"$file" || fail "$file cannot be opened"
[ "$(readlink /proc/self/fd/9)" = "$file" ] || fail "$file is a link; remove it on the host"
whose() {
  pid= user=
  inode=$(ls -di "$1" | { read -r inode _; echo "$inode"; })
  while read -r _ type _ _ each where _; do
    [ "$type" = FLOCK ] && [ "\${where##*:}" = "$inode" ] && [ -d "/proc/$each" ] && pid=$each
  done </proc/locks
  if [ -z "$pid" ]; then
    for each in /proc/[0-9]*/fd/*; do
      [ "$each" -ef "$1" ] || continue
      each=\${each#/proc/}
      each=\${each%%/*}
      [ "$each" = "$$" ] || { pid=$each; break; }
    done 2>/dev/null
  fi
  [ -z "$pid" ] || user=$(owner "/proc/$pid")
}
# A user without docker runs no rollout. Whom the kernel does not name may.
may_roll_out() {
  [ -n "$user" ] && [ "$user" != root ] && [ -S /var/run/docker.sock ] || return 0
  group=$(ls -ldL /var/run/docker.sock | { read -r _ _ _ group _; echo "$group"; })
  case " $(id -nG "$user" 2>/dev/null) " in *" $group "*) ;; *) return 1 ;; esac
}
take() {
  moments=10
  until flock -n "$1"; do
    if [ "$1" = 8 ]; then whose "$2"; may_roll_out || return 1; fi
    if [ "$left" -gt 0 ]; then
      left=$((left - 1))
      sleep 1
    else
      holder=
      IFS= read -r holder <"/proc/self/fd/$1"
      # Without a text its holder has only just come, or is just going.
      if [ -n "$holder" ] || [ "$moments" -eq 0 ]; then
        whose "$2"
        # Given back with it: the text stays in the file otherwise, and would be taken for the next holder's.
        [ "$1" = 9 ] || : >/proc/self/fd/9
        echo "busy \${pid:-?} \${user:-?} $2 $holder"
        exit 75
      fi
      moments=$((moments - 1))
      sleep 0.1 2>/dev/null || sleep 1
    fi
  done
}
take 9 "$file"
# At once: whoever comes now is to see who is here, and not who was here before.
printf '%s\\n' "$text" >/proc/self/fd/9
if [ -n "$shared" ] && ! odd "$shared"; then
  [ -e "$shared" ] || make "$shared" 0
  if [ -r "$shared" ] && exec 8<"$shared"; then take 8 "$shared" || exec 8<&-; fi
fi
say() {
  printf '%s\\n' "$1" >/proc/self/fd/9
  [ ! -e /proc/self/fd/8 ] || printf '%s\\n' "$1" >/proc/self/fd/8
}
keep() (
  folder=$state/\${1%% *} rest=\${1#* }
  name=\${rest%% *} rest=\${rest#* }
  most=\${rest%% *} rest=\${rest#* }
  umask 066
  mkdir -p "$state" || exit
  umask 077
  mkdir -p "$folder" && [ ! -L "$folder" ] && [ -O "$folder" ] && cd -P "$folder" || exit
  # Its user's runs come one after the other here: what is half written is of one that was cut off.
  rm -f .kept.*
  printf '%s\\n' "$rest" >".kept.$name" && mv -f ".kept.$name" "$name" || { rm -f ".kept.$name"; exit 1; }
  ls | sort -r | { while [ "$most" -gt 0 ] && read -r _; do most=$((most - 1)); done; while read -r old; do rm -f -- "$old"; done; }
)
say "$text"
echo held
report=
if [ "$#" -gt 1 ]; then
  shift
  {
    timeout -k 5 ${reportSeconds} "$@" </dev/null 2>/dev/null &
    trap "kill $!" TERM
    wait "$!"
    printf '%s %s\\n' "$mark" "$?"
  } 8<&- 9<&- &
  report=$!
fi
while beat=$(timeout ${silenceSeconds} dd bs=1 count=1 2>/dev/null) && [ -n "$beat" ]; do
  case $beat in
    .) ;;
    '#')
      line=$(timeout ${silenceSeconds} sh -c 'IFS= read -r line && printf "%s\\n" "$line"') || break
      keep "$line" 8<&- 9<&- 2>/dev/null || printf '%s unkept\\n' "$mark"
      ;;
    *) say "$going_on" ;;
  esac
done
: >/proc/self/fd/9
[ ! -e /proc/self/fd/8 ] || : >/proc/self/fd/8
exec 8<&- 9<&-
[ -z "$report" ] || kill "$report" 2>/dev/null
printf '%s bye\\n' "$mark"
`.trim();
