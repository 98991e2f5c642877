#!/usr/bin/env bash
set -e
export SELINON_NODES_DEFINITION=parcels.yml SELINON_FLOW_DEFINITIONS=flows/pack.yml:elsewhere/send.yml
[ "$(selinon-cli -v inspect)" = "Your configuration looks OK." ]
selinon-cli plot --output-dir "$1" --format dot >/dev/null
ls "$1"
selinon-cli -v --no-color execute --flow-name send --hide-progressbar -j -a '{"content": "'"$2"'"}' 2>/dev/null
