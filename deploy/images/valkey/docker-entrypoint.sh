#!/bin/sh
# Becomes valkey-server, as its own user.
set -eu
case ${1:-} in -* | *.conf) set -- valkey-server "$@" ;; esac
if [ "$1" = valkey-server ]; then
  # Built into the official image: whoever runs it decides which addresses reach it.
  set -- "$@" --protected-mode no
  if [ "$(id -u)" = 0 ]; then
    find . ! -user valkey -exec chown valkey {} +
    exec setpriv --reuid=valkey --regid=valkey --clear-groups "$@"
  fi
fi
exec "$@"
