#!/bin/sh
[ "$1" = --list ] || { echo 'only --list' >&2; exit 1; }
cat <<'JSON'
{"web": {"hosts": ["w1", "w2"], "vars": {"a": 1}, "children": ["sub"]},
 "sub": ["s1"],
 "solo": {"x": 1, "y": [1, 2]},
 "all": {"vars": {"g": true}},
 "_meta": {"hostvars": {"w1": {"b": null, "n": 1.5}, "s1": {"deep": {"k": "v"}}, "stranger": {"z": 1}}}}
JSON
