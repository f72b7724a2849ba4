"""The table of style words: which words can steer, and where each lies in sentence-vector space.

    PYTHONPATH=WORDFREQ python -m semantic_style.core.train.style_words \
        --wordnet DICT --model MINILM --out FILE

Run once, with transformers and wordfreq; what ships needs neither. DICT is the folder of
WordNet 3.0's data files, MINILM that of all-MiniLM-L6-v2. In the table are the words below, and
WordNet's adjectives and nouns that are common. Unlike `word_vectors`, which tells things apart by
their glosses, each word stands for itself: what "night" means to a picture is in no gloss.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from .word_vectors import STEPS, embed_sentences

COMMON = 3.4  # Zipf frequency: 2.5 times in a million words of text
WORDS = """
noon, midday, afternoon, late afternoon, morning, early morning, dawn, daybreak, sunrise, evening,
dusk, sunset, twilight, nightfall, night, midnight, day, daytime, nighttime, daylight, moonlight,
starlight, sunlight, candlelight, lamplight, golden hour, blue hour, aurora, northern lights,
spring, summer, autumn, fall, winter, sunny, cloudy, overcast, foggy, misty, hazy, rainy, stormy,
snowy, snow, rain, fog, mist, storm, thunderstorm, heat, frost, frosty, icy, neon, night sky,

banded, blotchy, braided, bubbly, bumpy, chequered, checkered, cobwebbed, cracked, crosshatched,
crystalline, dotted, fibrous, flecked, freckled, frilly, gauzy, grid, grooved, honeycombed,
interlaced, knitted, lacelike, lined, marbled, matted, meshed, paisley, perforated, pitted,
pleated, polka dotted, porous, potholed, scaly, smeared, spiralled, sprinkled, stained,
stratified, striped, studded, swirly, veined, waffled, woven, wrinkled, zigzagged,

watercolour, watercolor, oil painting, oil impasto, impasto, acrylic, gouache, tempera, fresco,
ink painting, ink wash, pen and ink, pen hatching, hatching, charcoal, pencil, pencil drawing,
crayon, pastel, chalk, sketch, etching, engraving, woodcut, linocut, lithograph, screen print,
halftone, stained glass, mosaic, marbling, batik, cross stitch, embroidery, tapestry, patchwork,
quilt, origami, papercut, paper cut, collage, graffiti, stencil, spray paint, blueprint, comic,
cartoon, anime, manga, pixel art, poster, vintage, sepia, monochrome, black and white, calligraphy,
low poly, glitch, woodblock print, great waves, cubist shards,

impressionism, impressionist, post impressionist, pointillism, pointillist, expressionism,
expressionist, fauvism, fauvist, cubism, cubist, surrealism, surrealist, realism, romanticism,
baroque, rococo, renaissance, gothic, mannerism, symbolism, art nouveau, art deco, futurism,
constructivism, suprematism, abstract, abstract expressionism, pop art, op art, minimalism,
ukiyo e, icon painting, byzantine, folk art, naive art, psychedelic,

van gogh, monet, renoir, shishkin, aivazovsky, levitan, rembrandt, cezanne, gauguin, raphael,
titian, degas, picasso, dali, leonardo, botticelli, kuindzhi, repin, klimt, matisse, kandinsky,
turner, pissarro, manet, seurat, signac, bruegel, bosch, velazquez, goya, vermeer, caravaggio,
rubens, durer, michelangelo, giotto, el greco, constable, hokusai, hiroshige, munch, mondrian,
malevich, chagall, miro, pollock, warhol, hopper, sargent, whistler, vrubel, roerich, surikov,
vasnetsov, serov, savrasov, modigliani, klee, schiele, magritte, braque, toulouse lautrec
"""


def words(wordnet: Path, frequency: Callable[[str], float]) -> list[str]:
    """The words above, then WordNet's common adjectives and nouns, by the alphabet."""
    own = [" ".join(word.split()) for word in WORDS.replace("\n", " ").split(",")]
    lemmas: set[str] = set()
    for file in ("index.adj", "index.noun"):
        for line in (wordnet / file).read_text(encoding="ascii").splitlines():
            lemma = line.partition(" ")[0]
            # No phrases: they lie at the mean of their words. No digits, no abbreviations.
            if lemma.isalpha() and len(lemma) > 2 and frequency(lemma) >= COMMON:
                lemmas.add(lemma)
    return [*dict.fromkeys(own), *sorted(lemmas.difference(own))]


def write(path: Path, table: list[str], vectors: Tensor) -> None:
    """vectors: [N, width]; in the file int8, each row in its own unit."""
    steps = vectors / vectors.abs().amax(dim=1, keepdim=True) * STEPS
    save_file(
        {"vectors": steps.round().to(torch.int8).contiguous()}, path, {"words": json.dumps(table)}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wordnet", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    from wordfreq import zipf_frequency  # type: ignore[import-not-found,unused-ignore]

    table = words(given.wordnet, lambda word: zipf_frequency(word, "en"))
    write(given.out, table, embed_sentences(given.model, table))
    print(f"{given.out}: {len(table)} words, {given.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
