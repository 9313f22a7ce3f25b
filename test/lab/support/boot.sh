# The first process of a lab host: run by unshare in namespaces of its own, with the host's folder (its disk), its name,
# the root file system that it shares with others of its kind (empty: the machine's /usr and /etc), its init, its control
# group, and then dockerd's arguments. Builds a root file system with the host's changes on top, and keeps sshd and dockerd
# running as an init system would, or becomes that init system.
# It ends by SIGKILL only, which is this host's power failure.
set -eu
disk=$1 name=$2 shared=$3 init=$4 cgroup=$5
shift 5
root=$disk/root

# systemd wants the tree of version 2, whatever the machine has, and in it a place that looks like the top.
if [ "$init" = systemd ] && [ -z "${in_cgroup:-}" ]; then
  mkdir -p "$disk/cgroup"
  mount -t cgroup2 cgroup2 "$disk/cgroup"
  mkdir -p "$disk/cgroup/$cgroup"
  echo 0 >"$disk/cgroup/$cgroup/cgroup.procs"
  umount "$disk/cgroup"
  in_cgroup=yes exec unshare --cgroup sh "$0" "$disk" "$name" "$shared" "$init" "$cgroup" "$@"
fi

if [ -n "$shared" ]; then
  mount -t overlay overlay -o "lowerdir=$shared,upperdir=$root,workdir=$disk/root.work" "$disk/merged"
  cd "$disk/merged"
  # Docker's own overlays need a file system that is none.
  for part in docker containerd; do mount --bind "$disk/$part" "var/lib/$part"; done
else
  mount --bind "$root" "$root"
  cd "$root"
  for part in usr etc; do
    mount -t overlay overlay -o "lowerdir=/$part,upperdir=$disk/$part,workdir=$disk/$part.work" "$part"
  done
  for part in bin sbin lib lib32 lib64; do
    if [ -L "/$part" ]; then ln -sfn "$(readlink "/$part")" "$part"
    elif [ -d "/$part" ]; then mkdir -p "$part" && mount --rbind "/$part" "$part"; fi
  done
fi

# sysfs shows the network namespace that it is mounted in; the cgroup trees are the machine's.
mount -t proc proc proc
mount -t sysfs sysfs sys
if [ "$init" = systemd ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  # Settings of the kernel are the machine's, but for those of the network.
  mount --bind proc/sys proc/sys
  mount -o remount,bind,ro proc/sys
  mount --bind proc/sys/net proc/sys/net
  mount -o remount,bind,rw proc/sys/net
else
  mount --rbind /sys/fs/cgroup sys/fs/cgroup
fi

# Every boot of a host has an id of its own; the machine's would stay the same.
cat proc/sys/kernel/random/uuid >"$disk/boot_id"
mount --bind "$disk/boot_id" proc/sys/kernel/random/boot_id

mount -t tmpfs -o mode=755 tmpfs run
mkdir -p run/sshd run/lock
ln -sfn /run var/run
ln -sfn /run/lock var/lock
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr

mkdir -p .machine
pivot_root . .machine
cd /
umount -l /.machine
rmdir /.machine

hostname "$name"
exec </dev/null

# Told that it is in a container it leaves the machine's clock, modules and kernel settings alone.
[ "$init" != systemd ] || exec env -i container=rollout-lab PATH="$PATH" /lib/systemd/systemd

# A service is off while there is a file /run/SERVICE.off.
keep_running() {
  service=$1
  shift
  while :; do
    [ -e "/run/$service.off" ] || "$@" || true
    sleep 1
  done
}
keep_running sshd /usr/sbin/sshd -D -e >>/var/log/sshd.log 2>&1 &
keep_running docker dockerd "$@" >>/var/log/dockerd.log 2>&1 &

# Returns only when both loops are gone, which they never are; reaps every orphan meanwhile.
while :; do wait; done
