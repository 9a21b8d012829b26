#!/bin/sh
# Becomes mongod, as its own user.
set -eu
case ${1:-} in -*) set -- mongod "$@" ;; esac
if [ "$1" = mongod ] && [ "$(id -u)" = 0 ]; then
  export LD_LIBRARY_PATH=/opt/mongod  # an OpenSSL that Debian has no more
  find /data/db /data/configdb ! -user mongodb -exec chown mongodb {} +
  exec setpriv --reuid=mongodb --regid=mongodb --clear-groups "$@"
fi
exec "$@"
