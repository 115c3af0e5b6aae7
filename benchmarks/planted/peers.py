"""Other tools at the same work: near duplicates of the same rows, each tool in turn, in their own environment."""

import json
import subprocess
from pathlib import Path

import polars as pl

ROWS = 20_000
"""Rows that the peers get: their time grows with the rows, and some take minutes for more."""

_COMMON = """
import json, re, sys, time
texts = json.load(open(sys.argv[1]))
def tokens(text):
    words = re.findall(r"\\w+", text.lower())
    return words + [a + " " + b for a, b in zip(words, words[1:])]
start = time.perf_counter()
"""
_PEERS = {
    "datasketch": """
from datasketch import MinHash, MinHashLSH
start = time.perf_counter()
lsh, gone = MinHashLSH(threshold=0.8, num_perm=128), 0
for place, text in enumerate(texts):
    mark = MinHash(num_perm=128)
    mark.update_batch([token.encode() for token in tokens(text)])
    if lsh.query(mark):
        gone += 1
    else:
        lsh.insert(place, mark)
""",
    "rensa": """
from rensa import RMinHash, RMinHashLSH
start = time.perf_counter()
lsh, gone = RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16), 0
for place, text in enumerate(texts):
    mark = RMinHash(num_perm=128, seed=42)
    mark.update(tokens(text))
    if lsh.query(mark):
        gone += 1
    else:
        lsh.insert(place, mark)
""",
    "gaoya": """
from gaoya.minhash import MinHashStringIndex
start = time.perf_counter()
index = MinHashStringIndex(32, 0.8, 16, 8, num_hashes=128, analyzer="word", lowercase=True, ngram_range=(1, 2))
gone = 0
for place, text in enumerate(texts):
    if index.query(text):
        gone += 1
    else:
        index.insert_document(place, text)
""",
}
_END = "\nprint(json.dumps([len(texts) / (time.perf_counter() - start), gone]))\n"


def run_peers(environment: Path, rows: pl.DataFrame, folder: Path) -> dict[str, float]:
    """Rows a second of each tool that is installed in a virtual environment; a sentence where one is not."""
    texts = folder / "texts.json"
    texts.write_text(json.dumps(rows["message"].head(ROWS).to_list()), encoding="utf-8")
    figures = {}
    for name, work in _PEERS.items():
        command = [str(environment / "bin" / "python"), "-c", _COMMON + work + _END, str(texts)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(
                f"{name} was left out: {(done.stderr.strip().splitlines() or ['it ended with an error'])[-1]}"
            )
            continue
        speed, gone = json.loads(done.stdout)
        figures |= {f"peers.{name}.rows_per_second": speed, f"peers.{name}.removed_share": gone / ROWS}
    return figures
