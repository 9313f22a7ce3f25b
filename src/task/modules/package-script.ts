/** Whether a package is there, by its name or by what it provides. */
const thereFunction = `
there() {
  if [ "$manager" = apk ]; then apk info -e "$1"; else rpm -q --whatprovides "$1"; fi >/dev/null 2>&1
}`;

/** Arguments: packages. Prints \`manager NAME\`, then \`there NAME\` for every package that is. With apt nothing: that is asked apart. */
export const packagesScript = `
! command -v apt-get >/dev/null 2>&1 || exit 0${thereFunction}
for manager in dnf yum zypper apk; do
  command -v "$manager" >/dev/null 2>&1 || continue
  echo "manager $manager"
  for name; do ! there "$name" || echo "there $name"; done
  exit 0
done
echo 'the host has none of apt-get, dnf, yum, zypper and apk' >&2
exit 1`.trim();

export type PackageVerb = 'install' | 'upgrade' | 'remove';

/**
 * Arguments: manager, verb, packages. What the manager says it did is not believed: the last line is \`changed\` or
 * \`same\`, by the packages that are there before and after. Fails where one that was asked for is not there then, or still is.
 */
export const changePackagesScript = `
export LC_ALL=C
manager=$1 verb=$2
shift 2${thereFunction}
versions() {
  if [ "$manager" = apk ]; then apk info -v; else rpm -qa; fi | sort
}
before=$(versions)
case $manager:$verb in
  dnf:* | yum:*) "$manager" -y "$verb" "$@" ;;
  zypper:install) zypper --non-interactive install --auto-agree-with-licenses "$@" ;;
  zypper:upgrade) zypper --non-interactive update --auto-agree-with-licenses "$@" ;;
  zypper:remove) zypper --non-interactive remove "$@" ;;
  apk:install) apk add "$@" ;;
  apk:upgrade) apk add --upgrade "$@" ;;
  apk:remove) apk del "$@" ;;
  *) echo "$manager cannot $verb" >&2; exit 1 ;;
esac </dev/null
code=$?
# Of zypper these are no failures: done, and the machine, or zypper itself, wants a restart; a repository was left out.
case $manager:$code in *:0 | zypper:102 | zypper:103 | zypper:106) ;; *) exit "$code" ;; esac
for name; do
  if [ "$verb" = remove ]; then
    ! there "$name" || { echo "$manager ended with exit code $code, and $name is still there" >&2; exit 1; }
  else
    there "$name" || { echo "$manager ended with exit code $code, and $name is not there" >&2; exit 1; }
  fi
done
if [ "$before" = "$(versions)" ]; then echo same; else echo changed; fi`.trim();
