#!/usr/bin/env bash
# The floor: what the job costs with nothing but ssh, docker, curl and bash, written as tightly as it can be. One ssh to
# look (and to pull, where that is needed), and for a node that changes two more: out of rotation, and the change itself.
# All hosts at once, the canary first, everyone waiting on one poll of the stats page. It promises what rollout does to
# the requests (drained: not UP, no session, no queue, twice running; the old container parked and not removed) and
# nothing else: no lock, no journal, no way back, no look at anything but image and state.
#
# HOSTS="h1=10.0.0.1 …" KEY KNOWN_HOSTS REGISTRY STATS HEALTH_VERSION APP_VERSION MAX_UNAVAILABLE=7
set -euo pipefail

work=$(mktemp -d)
poller=
trap '[ -z "$poller" ] || kill "$poller" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/servers" "$work/changed"
declare -A address
hosts=()
for pair in $HOSTS; do hosts+=("${pair%%=*}"); address[${pair%%=*}]=${pair#*=}; done

on() { # HOST, then a script on stdin
  ssh -F none -i "$KEY" -o UserKnownHostsFile="$KNOWN_HOSTS" -o BatchMode=yes -o ControlMaster=no \
    "root@${address[$1]}" bash -s -- "${@:2}"
}

digest_of() { # REPOSITORY TAG
  curl -sfI -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "http://$REGISTRY/v2/$1/manifests/$2" |
    sed -n 's/^docker-content-digest: *\(sha256:[0-9a-f]*\).*/\1/Ip'
}

source "$(dirname "$0")/page.sh"

look() { # HOST: where something has to change it leaves the names of what is there
  on "$1" "$health" "$app" <<'REMOTE' >"$work/changed/$1"
have=$(docker container inspect -f '{{.Name}} {{.State.Running}} {{.Config.Image}}' health app app.previous 2>/dev/null)
case $have in "/health true $1"$'\n'"/app true $2"*) exit 0 ;; esac
echo there $(sed 's/ .*//' <<<"$have")
for image; do docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image" >/dev/null & done
wait
REMOTE
  [ -s "$work/changed/$1" ] || rm "$work/changed/$1"
}

# Writes for every server how it is and for how many readings running it has been idle, as long as the roll lasts.
poll() {
  local -A idle
  local line status scur qcur server
  while :; do
    pace
    open_page "$STATS"
    while IFS= read -r line; do
      [[ $line == web,* ]] || continue
      IFS=, read -r _ server qcur _ scur _ _ _ _ _ _ _ _ _ _ _ _ status _ <<<"$line"
      # `UP 1/2` still gets requests.
      if [[ $status != UP* && $scur == 0 && $qcur == 0 ]]; then idle[$server]=$((${idle[$server]:-0} + 1)); else idle[$server]=0; fi
      echo "${idle[$server]} $status" >"$work/servers/$server"
    done <&"$page"
    exec {page}>&-
  done
}
await_out() { local idle=0; until ((idle >= 2)); do nap 0.03; read -r idle _ <"$work/servers/$1" || idle=0; done; }
await_up() { local status=; until [[ $status == UP ]]; do nap 0.03; read -r _ status <"$work/servers/$1" || status=; done; }

update() { # HOST
  # Whatever the old container does not mind is done while the node drains: that takes nobody's time.
  on "$1" "$app" $(<"$work/changed/$1") <<'REMOTE'
exec >/dev/null
set -e
docker create --name app.next --pull never --restart always --publish 8080:8080 "$1" &
case " $* " in *' /health '*) docker update --restart no health && docker stop --time 5 health ;; esac
case " $* " in *' /app.previous '*) docker rm --force --volumes app.previous ;; esac
case " $* " in *' /app '*) docker update --restart no app ;; esac
wait $!
REMOTE
  await_out "$1"
  on "$1" "$health" $(<"$work/changed/$1") <<'REMOTE'
exec >/dev/null
set -e
case " $* " in *' /app '*) docker stop --time 10 app && docker rename app app.previous ;; esac
docker rename app.next app
docker start app
until curl -sf http://127.0.0.1:8080/ready; do sleep 0.1; done
case " $* " in
  *' /health '*) docker start health && docker update --restart always health ;;
  *) docker run --detach --name health --pull never --restart always --publish 8081:8080 "$1" ;;
esac
REMOTE
  await_up "$1"
}

health_digest=$(digest_of shop/health "$HEALTH_VERSION")
app_digest=$(digest_of shop/app "$APP_VERSION")
health=$REGISTRY/shop/health@$health_digest
app=$REGISTRY/shop/app@$app_digest

all() { local pid; for pid; do wait "$pid"; done; }

pids=()
for host in "${hosts[@]}"; do look "$host" & pids+=($!); done
all "${pids[@]}"

changing=()
for host in "${hosts[@]}"; do [ ! -e "$work/changed/$host" ] || changing+=("$host"); done
echo "${#changing[@]} of ${#hosts[@]} hosts to change"
[ "${#changing[@]}" -gt 0 ] || exit 0

poll &
poller=$!
update "${changing[0]}"
pids=()
running=0
for host in "${changing[@]:1}"; do
  if ((running == MAX_UNAVAILABLE)); then wait -n; running=$((running - 1)); fi
  update "$host" & pids+=($!)
  running=$((running + 1))
done
all "${pids[@]}"
