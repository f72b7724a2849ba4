"""The list of words that the built-in segmenter can place: common names of visible things.

    python -m semantic_style.core.train.word_list --wordnet DICT --labels LABELS --out WORDS

DICT is the folder of WordNet 3.0's data files (Debian: wordnet-base, /usr/share/wordnet), LABELS a
text file with the trained words, one a line. Needs wordfreq, which says how common a word is.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

# WordNet's lexicographer files that hold things with a shape or a surface, by number (lexnames(5)):
# animal, artifact, body, food, group, location, object, person, phenomenon, plant, substance
VISIBLE = {5, 6, 8, 13, 14, 15, 17, 18, 19, 20, 27}
LEADING = 2  # of a less common word only the first senses count
# Zipf frequencies (3 is once in a million words): of a word, of one that counts in all its senses,
# of a phrase. That of a phrase is an estimate, so it must also be one that WordNet saw in a text.
WORD, VERY_COMMON, PHRASE = 2.0, 3.5, 3.0


def read_senses(wordnet: Path) -> Iterator[tuple[str, list[int], bool]]:
    """Nouns of WordNet's index, the lexicographer file of each sense, commonest first; seen in text?"""
    files: dict[str, int] = {}
    for line in (wordnet / "data.noun").read_text(encoding="ascii").splitlines():
        if not line.startswith("  "):
            offset, number = line.split(" ", 2)[:2]
            files[offset] = int(number)
    for line in (wordnet / "index.noun").read_text(encoding="ascii").splitlines():
        if not line.startswith("  "):
            parts = line.split()
            count = int(parts[2])
            seen = parts[-count - 1] != "0"  # how many of its senses were tagged in a text
            yield parts[0].replace("_", " "), [files[o] for o in parts[-count:]], seen


def choose(
    senses: Iterable[tuple[str, list[int], bool]], frequency: Callable[[str], float]
) -> list[str]:
    """Common nouns that may mean a visible thing; no names, no abbreviations."""
    chosen = []
    for word, files, seen in senses:
        if len(word) < 3 or not re.fullmatch(r"[a-z]+([ -][a-z]+){0,2}", word):
            continue
        zipf = frequency(word)
        phrase = not word.isalpha()
        if zipf < (PHRASE if phrase else WORD) or (phrase and not seen):
            continue
        if VISIBLE & set(files if zipf >= VERY_COMMON else files[:LEADING]):
            chosen.append(word)
    return chosen


def main() -> None:
    from wordfreq import zipf_frequency

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wordnet", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    labels = given.labels.read_text(encoding="utf-8").split("\n")
    words = choose(read_senses(given.wordnet), lambda word: zipf_frequency(word, "en"))
    listed = dict.fromkeys(w for w in [*labels, *words] if w.strip())
    given.out.write_text("\n".join(listed) + "\n", encoding="utf-8")
    print(f"{given.out}: {len(listed)} words")


if __name__ == "__main__":
    main()
