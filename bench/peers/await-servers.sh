#!/usr/bin/env bash
# `await-servers.sh STATS_URL out|up SERVER…` ends when the balancer shows all of them so: exactly UP; or not UP, without
# a session and without a queue, twice running. One poll for all, every 50 ms, as rollout does it.
set -euo pipefail
stats=$1 wanted=$2
shift 2
names=" $* "
idle=0
while :; do
  read -r up out < <(curl -sf --max-time 5 "$stats;csv" | awk -F, -v names="$names" '
    $1 == "web" && index(names, " " $2 " ") { if ($18 == "UP") up++; else if ($18 !~ /^UP/ && $5 == 0 && $3 == 0) out++ }
    END { print up + 0, out + 0 }')
  if ((out == $#)); then idle=$((idle + 1)); else idle=0; fi
  case $wanted in
    up) ((up == $#)) && exit ;;
    out) ((idle == 2)) && exit ;;
  esac
  sleep 0.05
done
