# The balancer's page as often as rollout reads it: a reading begins 50 ms after the last one has begun. It costs no process.

# SECONDS: a wait without a process of its own.
exec {never}<> <(:)
nap() { read -rt "$1" -u "$never" || true; }

next_us=0
pace() {
  local left_us=$((next_us - ${EPOCHREALTIME/[.,]/}))
  ((left_us <= 0)) || nap "$(printf '0.%06d' "$left_us")"
  next_us=$((${EPOCHREALTIME/[.,]/} + 50000))
}

# STATS_URL: its CSV is read from $page, up to `exec {page}>&-`.
open_page() {
  local to=${1#http://}
  local at=${to%%/*}
  exec {page}<>"/dev/tcp/${at%:*}/${at##*:}"
  printf 'GET /%s;csv HTTP/1.0\r\n\r\n' "${to#*/}" >&"$page"
}
