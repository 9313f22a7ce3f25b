/**
 * `rollout-unarchive HOW SRC SUM DEST STRIP OWNER GROUP MODE LISTS PICKS PATTERN…`: SRC `-` is an archive on stdin with this
 * SHA-1; PICKS says what the patterns are: `include`, `exclude`. HOW: `read` says what differs, `unpack` writes it, `access`
 * sets owner, group and mode alone. Each of them looks at the whole archive first, and refuses it before anything is
 * written: for a name with `..` or a line break, for one below a symbolic link of the same archive, for one below a link of
 * the host that leads out of DEST.
 *
 * `read` prints `differs NAME: WHAT`; `entry FACTS|NAME` of what is there, where OWNER, GROUP or MODE is given; `name NAME`
 * where LISTS is not empty.
 */
export const unarchiveScript = `
how=$1 src=$2 sum=$3 dest=$4 strip=$5 owner=$6 group=$7 mode=$8 lists=$9
shift 9
picks=$1
shift
export LC_ALL=C
fail() { printf '%s\\n' "$*" >&2; exit 1; }
usual=$(umask)
umask 077
work=$(mktemp -d) || exit
trap 'rm -rf -- "$work"' EXIT
shown=$src
if [ "$src" = - ]; then
  src=$work/archive shown='of the controller'
  cat > "$src" || exit
  [ "$(sha1sum < "$src" | cut -d ' ' -f 1)" = "$sum" ] || fail 'the archive has not come whole'
fi
[ -f "$src" ] || fail "Source '$shown' does not exist"
[ -r "$src" ] || fail "Source '$shown' not readable"
[ -s "$src" ] || fail "Invalid archive '$shown', the file is 0 bytes"
[ -d "$dest" ] || fail "Destination '$dest' is not a directory"
real=$(cd -P -- "$dest" && pwd -P) || exit
said=$work/said names=$work/names kinds=$work/kinds
if [ "$(head -c 2 "$src")" = PK ]; then
  form=zip
  command -v unzip >/dev/null 2>&1 || fail 'the host has no unzip: install it'
  [ "$strip" = 0 ] || fail 'a zip archive takes no --strip-components'
  [ "$picks" != exclude ] || set -- -x "$@"
  unzip -Z1 "$src" "$@" > "$names" 2> "$said" || { code=$?; [ "$code$picks" = 11exclude ] || fail "$(cat "$said")"; }
  unzip -Z "$src" "$@" 2>/dev/null | grep -E '^[-dlbcps?][-rwxsStTlE]{6,9} +[0-9]' | cut -d ' ' -f 1 > "$kinds"
else
  form=tar
  # Its messages begin with the name that it is called by.
  tar=tar
  ! command -v gtar >/dev/null 2>&1 || tar=gtar
  command -v "$tar" >/dev/null 2>&1 || fail 'the host has no tar: install it'
  case $("$tar" --version 2>/dev/null) in *GNU*) ;; *) fail "the host's tar is not GNU tar: install that" ;; esac
  [ "$picks" != include ] || set -- -- "$@"
  [ "$picks" != exclude ] || for word; do set -- "$@" "--exclude=\${word%/}"; shift; done
  [ "$strip" = 0 ] || set -- --show-transformed-names "--strip-components=$strip" "$@"
  "$tar" -t --quoting-style=literal -f "$src" "$@" > "$names" 2> "$said" || fail "$(cat "$said")"
  "$tar" -tv --quoting-style=escape -f "$src" "$@" > "$work/long" 2>/dev/null
  sed -n 's/^h.* link to \\(.*\\)/\\1/p' "$work/long" > "$work/links"
  cut -c 1 "$work/long" > "$kinds"
fi
[ "$(wc -l < "$names")" -eq "$(wc -l < "$kinds")" ] || fail "the archive is refused: a name in it has a line break"
{ paste -d ' ' "$kinds" "$names"; [ ! -f "$work/links" ] || sed 's/^/= /' "$work/links"; } | awk -v entries="$work/entries" '
  { kind = substr($0, 1, 1); name = substr($0, index($0, " ") + 1)
    count = split(name, part, "/"); at = ""
    for (i = 1; i <= count; i++) {
      if (part[i] == "" || part[i] == ".") continue
      if (part[i] == "..") { print "the archive is refused: " name " leads out of the folder"; exit }
      if (at != "") parents[at] = name
      at = at == "" ? part[i] : at "/" part[i]
    }
    if (at == "" || kind == "=") next
    if (kind == "l") links[at] = 1
    if (!(at in seen)) { seen[at] = 1; print at > entries }
    if (index(at, "/") > 0) tops[substr(at, 1, index(at, "/") - 1)] = 1
  }
  END {
    for (at in parents) if (at in links) print "the archive is refused: " parents[at] " lies below the symbolic link " at
    for (at in tops) if (!(at in seen)) print at > entries
    for (at in parents) print "parent " at
  }' > "$said"
! grep -q '^the archive is refused' "$said" || fail "$(grep -m 1 '^the archive is refused' "$said")"
while IFS= read -r line; do
  at=$dest/\${line#parent }
  [ -h "$at" ] || continue
  to=$(cd -P -- "$at" 2>/dev/null && pwd -P)
  case $to/ in "\${real%/}"/*) ;; *) fail "the archive is refused: the link $at leads out of $dest" ;; esac
done < "$said"
touch "$work/entries"
[ -z "$lists" ] || sed 's/^/name /' "$work/entries"
entries() { (cd -- "$dest" && while IFS= read -r at; do [ -n "$1" ] && [ -h "$at" ] || printf './%s\\0' "$at"; done < "$work/entries"); }
isroot=
[ "$(id -u)" -ne 0 ] || isroot=yes
case $form$how in
  tarread)
    "$tar" --diff -C "$dest" -f "$src" "$@" 2>&1 | sed -e "s/^$tar: /tar: /" -e '/^tar: : /d' -e '/^tar: Removing /d' -e '/^tar: Exiting /d' \\
      -e 's/^tar: //' -e 's/: Warning: Cannot [a-z]*: No such file or directory$/: not there/' | while IFS= read -r line; do
      case $line in
        *': Uid differs') [ -n "$isroot" ] && [ -z "$owner" ] || continue ;;
        *': Gid differs') [ -n "$isroot" ] && [ -z "$group" ] || continue ;;
        *': Mode differs') [ -n "$isroot" ] && [ -z "$mode" ] || continue ;;
      esac
      printf 'differs %s\\n' "$line"
    done | head -n 1000
    ;;
  zipread)
    paste -d ' ' "$kinds" "$names" | while IFS= read -r line; do
      bits=\${line%% *} name=\${line#* }
      at=$dest/\${name%/} what=
      pattern=$(printf '%s' "$name" | sed 's/[][*?\\\\]/\\\\&/g')
      case $bits in
        d*) [ -d "$at" ] || what='not there' ;;
        l*) [ -h "$at" ] && [ "$(readlink -- "$at")" = "$(unzip -p "$src" "$pattern")" ] || what='Symlink differs' ;;
        *)
          if [ ! -e "$at" ]; then what='not there'
          elif [ ! -f "$at" ] || [ -h "$at" ]; then what='File type differs'
          else unzip -p "$src" "$pattern" 2>/dev/null | cmp -s - "$at" || what='Contents differ'; fi
          ;;
      esac
      if [ -z "$what$mode" ]; then
        case $bits in
          [-d]?????????) [ "$(stat -c %A -- "$at")" = "$(printf '%s' "$bits" | tr sStT x-x-)" ] || what='Mode differs' ;;
        esac
      fi
      [ -z "$what" ] || printf 'differs %s: %s\\n' "$name" "$what"
    done | head -n 1000
    ;;
esac
if [ "$how" = read ]; then
  [ -z "$owner$group$mode" ] || (cd -- "$dest" && entries '' | xargs -0 stat -c 'entry %F|%a|%u|%g|%U|%G|%n' -- 2>/dev/null)
  exit 0
fi
umask "$usual"
case $form$how in
  tarunpack) "$tar" -x -C "$dest" -f "$src" "$@" 2> "$said" </dev/null || fail "failed to unpack $shown to $dest: $(cat "$said")" ;;
  zipunpack)
    unzip -tqq "$src" > "$said" 2>&1 </dev/null || fail "the archive is damaged: $(cat "$said")"
    unzip -qqo "$src" -d "$dest" "$@" > "$said" 2>&1 </dev/null || fail "failed to unpack $shown to $dest: $(cat "$said")"
    ;;
esac
cd -- "$dest" || exit
[ -z "$owner$group" ] || entries '' | xargs -0 chown -h -- "$owner\${group:+:$group}" || exit
[ -z "$mode" ] || entries nolinks | xargs -0 chmod -- "$mode" || exit`.trim();
