#!/usr/bin/env python3
"""Cuts the shipped extract out of the quarter: the receipts of the given local days, unchanged.

    python3 extract.py baskets-2017q1.jsonl.gz 2017-01-02 2017-01-15 baskets-2017-2w.jsonl.gz

Lines are copied byte for byte in their order; nothing is re-encoded, renamed or dropped. The gzip
header carries no name and no time, so the same zlib gives the same file. Prints what it wrote.
"""

import gzip
import hashlib
import json
import sys


def lines_between(source, first, last):
    """Yields the raw lines whose local date lies between two ISO dates, both included."""
    with gzip.open(source, "rb") as quarter:
        for line in quarter:
            if first <= json.loads(line)["at"][:10] <= last:
                yield line


def main():
    source, first, last, target = sys.argv[1:]
    lines = list(lines_between(source, first, last))
    text = b"".join(lines)
    packed = gzip.compress(text, compresslevel=9, mtime=0)
    with open(target, "wb") as out:
        out.write(packed)
    digest = hashlib.sha256(text).hexdigest()
    print(f"{len(lines)} receipts, {len(text)} bytes as text, {len(packed)} packed, sha256 of the text {digest}")


if __name__ == "__main__":
    main()
