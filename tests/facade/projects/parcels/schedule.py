#!/usr/bin/env python3
import json
import sys

from app import app  # noqa: F401
from selinon import run_flow, run_flow_selective

if len(sys.argv) > 3:
    result = run_flow_selective(sys.argv[1], sys.argv[3].split(','), json.loads(sys.argv[2]), False, True)
else:
    result = run_flow(sys.argv[1], json.loads(sys.argv[2]))
print('Flow id:', result, file=sys.stderr)
print(json.dumps(result.get(timeout=60)))
