"""Writes deploy/helm/zhurnal/files/gateway.json: what the chart's gateway must share with the edge of one process.

The chart cannot ask the code, so this file carries its constants; a test fails when it is not current. Run it after a
change of the edge's limits, paths, headers or refusals: `.venv/bin/python deploy/gateway/shared.py`.
"""

from services.local.envoy import SHARED, shared

if __name__ == "__main__":
    SHARED.parent.mkdir(exist_ok=True)
    SHARED.write_text(shared(), encoding="utf-8")
