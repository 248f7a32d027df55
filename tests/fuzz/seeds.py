"""Writes the vectors as seeds for fuzzing: `seeds.py FOLDER`."""

import itertools
import json
import pathlib
import sys

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"
NAMES = ("Access-Control-Request-Method", "Access-Control-Request-Headers", "Sec-Fetch-Site")
POLICIES = 9  # fuzz_targets/request.rs


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (VECTORS / name).read_text().splitlines() if line.strip()]


def main(folder: pathlib.Path) -> None:
    documents = [
        json.dumps(row["policy"]) for row in rows("configs.jsonl") + rows("decisions.jsonl")
    ]
    for number, document in enumerate(dict.fromkeys(documents)):
        (folder / "document" / f"vector-{number}").write_text(document)
    for number, (row, choice) in enumerate(
        zip(rows("decisions.jsonl"), itertools.cycle(range(POLICIES)))
    ):
        request = row["request"]
        lines = [request["method"], *(f"{name}:{value}" for name, value in request["headers"])]
        # block.c: its policy, and its verdict in a byte of its own.
        (folder / "block" / f"vector-{number}").write_bytes(
            bytes([number % 5, number % 3]) + "\r\n".join(lines).encode("latin-1")
        )
        (folder / "request" / f"vector-{number}").write_bytes(
            bytes([choice]) + "\n".join(lines).encode("latin-1")
        )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
