#!/bin/sh
echo '{"dyn": {"hosts": ["d1", "h1"]}, "_meta": {"hostvars": {"d1": {"v": 1}}}}'
