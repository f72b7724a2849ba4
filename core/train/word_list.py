"""The words that the built-in segmenter can place, with what WordNet says of each.

    python -m semantic_style.core.train.word_list --wordnet DICT --labels LABELS --out WORDS

DICT is the folder of WordNet 3.0's data files (Debian: wordnet-base, /usr/share/wordnet), LABELS a
text file with the trained words, one a line. Needs wordfreq, which says how common a word is.
WORDS has a line a word: the word, the number of WordNet's file that its sense is in, the labels
that it is a kind of, the sense's gloss; separated by tabs.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# WordNet's lexicographer files that hold things with a shape or a surface, by number (lexnames(5)):
# the topmost, animal, artifact, body, food, object, person, phenomenon, plant, substance; group and
# location only where a word has no sense in those
VISIBLE, LOOSE = {3, 5, 6, 8, 13, 17, 18, 19, 20, 27}, {14, 15}
LEADING = 2  # of a less common word only the first senses count
# Zipf frequencies (3 is once in a million words): of a word, of one that counts in all its senses,
# of a phrase. That of a phrase is an estimate, so it must also be one that WordNet saw in a text.
WORD, VERY_COMMON, PHRASE = 2.0, 3.5, 3.0
CHAIN = 9  # how far up "a lion is a big cat is a cat is ..." is followed
NO_FILE = (
    -1
)  # of what lies in no one file: phrases that WordNet lacks, topmost words, groups, places

# Labels that are not meant in the sense that WordNet puts first: words whose synsets are meant
SENSES: dict[str, tuple[str, ...]] = {
    "person": ("person", "human"), "vegetation": ("flora", "verdure"), "pants": ("trouser",),
    "bass": ("fish",), "cape": ("cloak",), "ground": ("land",), "jumper": ("pullover",),
    "pumps": ("shoe",), "flats": ("shoe",), "wedges": ("shoe",), "heels": ("shoe",),
    "tick": ("arachnid",), "top": ("blouse",), "watch": ("timepiece",), "cow": ("cow", "cattle"),
    "intimate": ("lingerie",), "clothes": ("clothing",), "sky": ("sky", "heavens"),
    "tv monitor": ("television receiver",), "potted plant": ("houseplant",),
    "mobile phone": ("cellular telephone",), "sailing boat": ("sailboat",),
    "traffic sign": ("signpost",), "cyclist": ("cyclist",), "wild cat": ("wildcat",),
}  # fmt: skip


@dataclass(frozen=True)
class Synset:
    file: int
    words: tuple[str, ...]
    above: tuple[str, ...]  # offsets of what this is a kind of
    instance: bool  # a single thing with a name of its own
    gloss: str


@dataclass(frozen=True)
class Word:
    text: str
    file: int = NO_FILE
    kinds: tuple[str, ...] = ()
    gloss: str = ""

    def to_line(self) -> str:
        return "\t".join((self.text, str(self.file), ",".join(self.kinds), self.gloss))

    @classmethod
    def from_line(cls, line: str) -> Word:
        text, file, kinds, gloss = line.split("\t")
        return cls(text, int(file), tuple(k for k in kinds.split(",") if k), gloss)


class WordNet:
    """The nouns of WordNet 3.0, from its own files (wndb(5))."""

    def __init__(self, folder: Path) -> None:
        self.synsets: dict[str, Synset] = {}
        self.senses: dict[str, list[str]] = {}  # commonest first
        self.seen: set[str] = set()  # words that were tagged in a text
        for line in _lines(folder / "data.noun"):
            data, _, gloss = line.partition(" | ")
            parts = data.split()
            count = int(parts[3], 16)
            words = tuple(p.replace("_", " ").lower() for p in parts[4 : 4 + 2 * count : 2])
            pointers = parts[5 + 2 * count :]
            above = [
                (sign, offset)
                for sign, offset in zip(pointers[::4], pointers[1::4], strict=False)
                if sign in ("@", "@i")
            ]
            self.synsets[parts[0]] = Synset(
                int(parts[1]), words, tuple(o for _, o in above), any(s == "@i" for s, _ in above),
                gloss.split(";")[0].strip(),
            )  # fmt: skip
        for line in _lines(folder / "index.noun"):
            parts = line.split()
            count, word = int(parts[2]), parts[0].replace("_", " ")
            self.senses[word] = parts[-count:]
            if parts[-count - 1] != "0":
                self.seen.add(word)

    def sense(self, word: str, leading: int | None = None) -> str | None:
        """Offset of the word's first sense that is a visible thing and no single named one."""
        offsets = self.senses.get(word, [])[:leading]
        for files in (VISIBLE, LOOSE):
            for offset in offsets:
                synset = self.synsets[offset]
                if synset.file in files and not synset.instance:
                    return offset
        return None

    def chain(self, offset: str) -> list[str]:
        """The sense itself, then what it is a kind of, nearest first."""
        found, level = [offset], [offset]
        for _ in range(CHAIN):
            level = [above for each in level for above in self.synsets[each].above]
            found += [each for each in level if each not in found]
        return found


def _lines(file: Path) -> list[str]:
    lines = file.read_text(encoding="ascii").splitlines()
    return [line for line in lines if not line.startswith("  ")]  # the licence is indented


def singulars(word: str) -> list[str]:
    """The word, then what it may be the plural of."""
    forms = [word]
    for plural, singular in (("ies", "y"), ("ves", "f"), ("es", ""), ("s", "")):
        if word.endswith(plural) and len(word) > len(plural) + 1:
            forms.append(word[: -len(plural)] + singular)
    return forms


def label_senses(wordnet: WordNet, labels: Sequence[str]) -> dict[str, list[str]]:
    """label -> offsets of its senses; none of a phrase that WordNet lacks."""
    found: dict[str, list[str]] = {}
    for label in labels:
        for text in SENSES.get(label, (label,)):
            offsets = (wordnet.sense(form) for form in singulars(text))
            found.setdefault(label, []).extend([o for o in offsets if o is not None][:1])
    return found


def make_list(
    wordnet: WordNet, labels: Sequence[str], frequency: Callable[[str], float]
) -> list[Word]:
    """The labels, then all common nouns that may mean a visible thing; no names."""
    senses = label_senses(wordnet, labels)
    by_sense: dict[str, list[str]] = {}
    for label, offsets in senses.items():
        for offset in offsets:
            by_sense.setdefault(offset, []).append(label)

    def about(text: str, offset: str | None) -> Word:
        if offset is None:
            return Word(text)
        kinds = [label for each in wordnet.chain(offset) for label in by_sense.get(each, [])]
        synset = wordnet.synsets[offset]
        file = synset.file if synset.file in VISIBLE - {3} else NO_FILE
        return Word(text, file, tuple(dict.fromkeys(k for k in kinds if k != text)), synset.gloss)

    words = [about(label, next(iter(senses[label]), None)) for label in labels]
    known = set(labels)
    for word in wordnet.senses:
        if len(word) < 3 or word in known or not re.fullmatch(r"[a-z]+([ -][a-z]+){0,2}", word):
            continue
        zipf, phrase = frequency(word), not word.isalpha()
        if zipf < (PHRASE if phrase else WORD) or (phrase and word not in wordnet.seen):
            continue
        sense = wordnet.sense(word, None if zipf >= VERY_COMMON else LEADING)
        if sense is not None:
            words.append(about(word, sense))
    return words


def main() -> None:
    from wordfreq import zipf_frequency  # type: ignore[import-not-found,unused-ignore]

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wordnet", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    labels = [w for w in given.labels.read_text(encoding="utf-8").splitlines() if w]
    words = make_list(WordNet(given.wordnet), labels, lambda word: zipf_frequency(word, "en"))
    given.out.write_text("".join(word.to_line() + "\n" for word in words), encoding="utf-8")
    print(f"{given.out}: {len(words)} words")


if __name__ == "__main__":
    main()
