# The first process of a lab host: run by unshare in namespaces of its own, with the host's folder (its disk), its name
# and then dockerd's arguments. Builds a root file system in which /usr and /etc are the machine's with the host's
# changes on top and everything else is the host's own, and keeps sshd and dockerd running as an init system would.
# It ends by SIGKILL only, which is this host's power failure.
set -eu
disk=$1 name=$2
shift 2
root=$disk/root

mount --bind "$root" "$root"
cd "$root"
for part in usr etc; do
  mount -t overlay overlay -o "lowerdir=/$part,upperdir=$disk/$part,workdir=$disk/$part.work" "$part"
done
for part in bin sbin lib lib32 lib64; do
  if [ -L "/$part" ]; then ln -sfn "$(readlink "/$part")" "$part"
  elif [ -d "/$part" ]; then mkdir -p "$part" && mount --rbind "/$part" "$part"; fi
done

# sysfs shows the network namespace that it is mounted in; the cgroup trees are the machine's.
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup

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
