#!/bin/bash
MIGRATION_DIR=${MIGRATION_DIR:-'migrations'}
PYTHONPATH='.' selinon-cli -vvvv migrate --nodes-definition parcels.yml \
                        --flow-definitions flows/ \
                        --git --migration-dir "${MIGRATION_DIR}" \
                        --no-meta &&\
                        echo "Flow migration is present in the migration dir, don't forget to commit it."
