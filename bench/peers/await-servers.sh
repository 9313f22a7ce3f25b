#!/usr/bin/env bash
# `await-servers.sh STATS_URL out|up SERVER…` ends when the balancer shows all of them so: exactly UP; or not UP, without
# a session and without a queue, twice running. One poll for all, as often as rollout's.
set -euo pipefail
source "$(dirname "$0")/page.sh"
stats=$1 wanted=$2
shift 2
names=" $* "
idle=0
while :; do
  pace
  up=0 out=0
  open_page "$stats"
  while IFS= read -r line; do
    [[ $line == web,* ]] || continue
    IFS=, read -r _ server qcur _ scur _ _ _ _ _ _ _ _ _ _ _ _ status _ <<<"$line"
    [[ $names == *" $server "* ]] || continue
    # `UP 1/2` still gets requests.
    if [[ $status == UP ]]; then up=$((up + 1)); elif [[ $status != UP* && $scur == 0 && $qcur == 0 ]]; then out=$((out + 1)); fi
  done <&"$page"
  exec {page}>&-
  if ((out == $#)); then idle=$((idle + 1)); else idle=0; fi
  case $wanted in
    up) ((up == $#)) && exit ;;
    out) ((idle == 2)) && exit ;;
  esac
done
