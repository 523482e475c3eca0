#!/bin/sh
# Makes deploy/.env once: passwords of the databases and what the services prove themselves by. An existing one stays.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
    echo "deploy/.env is there already." >&2
    exit 0
fi
umask 077
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
{
    echo "ADMIN_PASSWORD=$(random)"
    for service in IDENTITY SCHEDULE GRADEBOOK REPORTING NOTIFICATIONS; do
        echo "${service}_PASSWORD=$(random)"
        echo "${service}_OWNER_PASSWORD=$(random)"
        [ "$service" = IDENTITY ] || echo "${service}_SECRET=$(random)"
    done
} >.env.new
mv .env.new .env
echo "deploy/.env is made; keep it with the backups."
