"""Put tables that were measured in several runs of tables.py into one answer.

    python benchmarks/join.py --out benchmarks/results/tables.json first.json second.json

Every table keeps the surroundings of its own run, so that nobody compares seconds across runs by
mistake. Of a table that is in several files the last one counts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from record import write_json
from tables import GOALS, PEERS, header, line, report, summarise


def join(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """One answer with all tables, in the order of the goals."""
    found: dict[str, Any] = {}
    for answer in answers:
        here = {"surroundings": answer["surroundings"], "protocol": answer["protocol"]}
        found |= {name: here | table for name, table in answer["tables"].items()}
    tables = {name: found[name] for name in GOALS if name in found}
    return {
        "question": answers[0]["question"],
        "tables": tables,
        "summary": summarise(tables, list(PEERS)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    answer = join([json.loads(path.read_text(encoding="utf-8")) for path in options.files])
    write_json(answer, options.out)
    peers = list(PEERS)
    print(header(peers))
    for name, table in answer["tables"].items():
        print(line(name, table, peers))
    report(answer["summary"], peers)


if __name__ == "__main__":
    main()
