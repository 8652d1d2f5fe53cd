"""Texts counted a second by `count_texts`: ordinary traffic and slow texts. Proves nothing about the counts.

Run it from the root of the repository: python -m benchmarks.segments [texts]
"""

from __future__ import annotations

import random
import statistics
import sys
import time

import polars as pl

from transforms.mediation.segments import GSM_EXTENSION, count_texts

RUNS = 5
DISTINCT = 50_000
WORDS = "Bonjour votre colis arrive demain entre 9h et 12h au point relais, confirmez avec le code. Merci"
LENGTHS = (20, 40, 60, 70, 80, 90, 100, 100, 110, 120, 150, 158, 200, 320)
"""Characters of the texts of ordinary traffic: about 115 in the mean, one in seven of more than 160."""


def ordinary(draw: random.Random) -> str:
    """One text: 70 % plain GSM, 15 % with characters of the extension table, 15 % UCS-2 with emoji."""
    length, kind = draw.choice(LENGTHS), draw.random()
    text = " ".join(draw.choices(WORDS.split(), k=length))[:length]
    if kind < 0.70:
        return text
    characters = list(text)
    for _ in range(draw.randint(1, 4)):
        characters[draw.randrange(length)] = draw.choice(GSM_EXTENSION if kind < 0.85 else "ê’ç😀🎉")
    return "".join(characters)


def texts_per_second(texts: pl.Series) -> float:
    """The median of RUNS runs."""
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        count_texts(texts)
        seconds.append(time.perf_counter() - start)
    return len(texts) / statistics.median(seconds)


def main(texts: int) -> None:
    """Print one line a kind of traffic. In all but the first every single text needs exact packing."""
    draw = random.Random(1)
    distinct = [ordinary(draw) for _ in range(DISTINCT)]
    traffic = {
        "ordinary mix": pl.Series(draw.choices(distinct, k=texts)),
        "306 septets, one pair": pl.Series(["a" * 152 + "€" + "b" * 152]).new_from_index(0, texts // 5),
        "306 septets, all pairs": pl.Series(["€{}" * 51]).new_from_index(0, texts // 5),
        "134 UCS-2 units, all pairs": pl.Series(["😀🎉" * 33 + "😀"]).new_from_index(0, texts // 5),
        "3,060 septets, one pair": pl.Series(["a" * 3058 + "€"]).new_from_index(0, texts // 10),
    }
    for name, series in traffic.items():
        mean = int(series.str.len_chars().sum()) // len(series)
        rate = texts_per_second(series)
        print(f"{name:28} {len(series):>9,} texts of {mean:5,} characters {rate:>11,.0f} texts/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
