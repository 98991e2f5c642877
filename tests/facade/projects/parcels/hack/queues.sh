#!/usr/bin/env bash
set -ex
which selinon-cli || {
    echo "selinon-cli not found" >&2
    exit 1
}
[ "$(selinon-cli --version | cut -d. -f1)" -ge 1 ]
if [ -z "${WORKER_QUEUES}" ]; then
    WORKER_QUEUES=`selinon-cli inspect  \
        -n parcels.yml  \
        -f flows/  \
        --list-task-queues --list-dispatcher-queues | cut -d':' -f2 | sort -u | tr '\n' ','`
    WORKER_QUEUES="${WORKER_QUEUES:0:-1}" # remove trailing ','
fi
echo "queues=${WORKER_QUEUES}"
