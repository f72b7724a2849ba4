"""From a recipe's targets to soft masks: what the segmenter is asked, and what answers mean."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .canvas import PictureCanvas, fingerprint
from .errors import PhraseNotFound, RequestError
from .image import load_embedded_mask, load_mask, load_picture
from .masks import Mask, RegionControls, SoftRegion
from .picture import Picture
from .progress import CancelToken, Progress, silent
from .recipe import Recipe, Region, Target
from .segmenter import Encoding, Segmenter
from .wording import listed, shown, shown_path

ENCODE_SIDE = 1024  # px; no back-end looks at more
LEAST_AREA = 1 / 5000  # of the picture: 49 x 49 px in 12 megapixels; less is a speck
ASPECT_SLACK = 0.03  # by which a mask file's shape may differ before it is worth a word


@runtime_checkable
class PicturePrompts(Protocol):
    """What a segmenter also fulfils that takes a picture of a thing in a phrase's place."""

    def image_masks(
        self, encoding: Encoding, images: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """images: HWC sRGB in [0, 1]. [P, h, w] in [0, 1] as `Segmenter.masks` gives them."""
        ...


@dataclass(frozen=True, eq=False)
class Found:
    """What a recipe's targets are in one picture; all sequences have one entry a region.

    soft: where the region is, made of those of its terms that the picture shows. missing:
    regions of which it shows no term, or not what bounds them (they are nowhere). keep: soft
    masks of the keep phrases that it shows. scores: the best value of each calibrated mask, by
    phrase or image:FILE. asked: whether the segmenter was.
    """

    names: tuple[str, ...]
    soft: tuple[SoftRegion, ...]
    controls: tuple[RegionControls, ...]
    missing: tuple[bool, ...]
    keep: tuple[Mask, ...]
    scores: dict[str, float]
    warnings: tuple[str, ...]
    asked: bool


class Finder:
    """Asks one segmenter; keeps the encodings of the last pictures, `keep` of them."""

    def __init__(self, segmenter: Segmenter, keep: int = 1) -> None:
        self.segmenter, self._keep = segmenter, keep
        self._encodings: OrderedDict[bytes, Encoding] = OrderedDict()

    def find(
        self,
        picture: Picture,
        recipe: Recipe,
        *,
        strict: bool = False,
        progress: Progress = silent,
        cancel: CancelToken | None = None,
    ) -> Found:
        """Soft masks of every target and keep phrase.

        RequestError for a word that the segmenter does not know, a mask that can't be read or is
        empty, a picture prompt that the segmenter can't take. PhraseNotFound if the picture shows
        none of the regions; with `strict`, if anything that was named is missing.
        """
        cancel = cancel or CancelToken()
        regions = recipe.regions
        targets = _unique([target for region in regions for target in region.targets])
        asked = [target for target in targets if target.kind in ASKED]
        asked += [Target("phrase", phrase) for phrase in recipe.keep]
        warnings: list[str] = []
        painted = {t: self._painted(t, picture, warnings) for t in targets if t.kind in PAINTED}
        answers = self._answers(_unique(asked), picture, warnings, progress, cancel)

        def absent(target: Target, threshold: float | None) -> str | None:
            answer = answers.get(target)
            reason = None if answer is None else absence(target, answer, threshold)
            other = "picture" if target.kind == "image" else "word"
            return reason and f"{reason}: try another {other} or a lower threshold"

        soft, lost, said = [], [], []
        for region in regions:
            gone = {t: absent(t, region.threshold) for t in region.targets}
            said += [line for line in gone.values() if line]
            there = [term for term in region.terms if not gone[term]]
            missing = not there or (region.within is not None and bool(gone[region.within]))
            lost.append(missing)
            soft.append(
                SoftRegion()
                if missing
                else SoftRegion(
                    found=[answers[term] for term in there if term in answers],
                    painted=[painted[term] for term in there if term in painted],
                    whole=region.target.kind == "all",
                    within={**answers, **painted}[region.within] if region.within else None,
                    within_painted=region.within in painted,
                )
            )
        keep = [Target("phrase", phrase) for phrase in recipe.keep]
        kept = [target for target in keep if not absent(target, None)]
        said += [line for target in keep if (line := absent(target, None))]
        if all(lost) or (strict and said):
            raise PhraseNotFound("; ".join(_unique(said)))
        return Found(
            names=tuple(name_of(region) for region in regions),
            soft=tuple(soft),
            controls=tuple(
                RegionControls(each.threshold, each.grow, each.feather, each.invert)
                for each in regions
            ),
            missing=tuple(lost),
            keep=tuple(answers[target] for target in kept),
            scores={label(target): float(values.max()) for target, values in answers.items()},
            warnings=(*warnings, *_unique(said)),
            asked=bool(answers),
        )

    def check(self, phrases: Sequence[str]) -> list[str]:
        """A warning for every phrase that another word answers; RequestError for unknown ones."""
        warnings = []
        for phrase in phrases:
            knowledge = self.segmenter.knows(phrase)
            if knowledge.kind == "no":
                remedy = listed(knowledge.nearest) or "a plain thing, such as sky or person"
                raise RequestError(
                    f"the {self.segmenter.name} segmenter does not know {shown(phrase)}: "
                    f"try {remedy}"
                )
            if knowledge.kind == "near":
                warnings.append(f"{shown(phrase)} is not known: {shown(knowledge.word)} is used")
        return warnings

    def _answers(
        self,
        asked: Sequence[Target],
        picture: Picture,
        warnings: list[str],
        progress: Progress,
        cancel: CancelToken,
    ) -> dict[Target, Mask]:
        """The segmenter's soft mask of every phrase and picture prompt, in one call a kind."""
        progress("finding", 0.0)
        answers: dict[Target, Mask] = {}
        phrases = [target for target in asked if target.kind == "phrase"]
        prompts = [target for target in asked if target.kind == "image"]
        if asked:
            images = self._prompts([target.value for target in prompts])
            warnings += self.check([target.value for target in phrases])
            encoding = self._encoding(picture, cancel)
            progress("finding", 0.7)
            cancel.check()
            if phrases:
                found = self.segmenter.masks(encoding, [target.value for target in phrases])
                answers.update(zip(phrases, found, strict=True))
            if images and isinstance(self.segmenter, PicturePrompts):
                found = self.segmenter.image_masks(encoding, images)
                answers.update(zip(prompts, found, strict=True))
            cancel.check()
        progress("finding", 1.0)
        return answers

    def _encoding(self, picture: Picture, cancel: CancelToken) -> Encoding:
        key = fingerprint(picture.pixels, picture.profile)
        if key not in self._encodings:
            cancel.check()
            small = PictureCanvas(picture).fitted(ENCODE_SIDE)
            cancel.check()
            while len(self._encodings) >= self._keep:
                self._encodings.popitem(last=False)
            self._encodings[key] = self.segmenter.encode(small)
        self._encodings.move_to_end(key)
        return self._encodings[key]

    def _prompts(self, paths: Sequence[str]) -> list[NDArray[np.float32]]:
        if paths and not isinstance(self.segmenter, PicturePrompts):
            raise RequestError(
                f"the {self.segmenter.name} segmenter can't take picture prompts such as "
                f"image:{shown_path(paths[0])}: name the thing in words, or get clipseg, which can"
            )
        return [PictureCanvas(load_picture(path)).fitted(ENCODE_SIDE) for path in paths]

    def _painted(self, target: Target, picture: Picture, warnings: list[str]) -> Mask:
        mask = painted_mask(target)
        extent = picture.extent
        ratio = (mask.shape[1] / mask.shape[0]) / (extent.width / extent.height)
        if target.kind == "mask" and abs(ratio - 1) > ASPECT_SLACK:
            warnings.append(
                f"the mask {shown_path(target.value)} has another shape than the picture "
                "and was stretched"
            )
        return mask


ASKED = ("phrase", "image")  # kinds of targets that a segmenter answers
PAINTED = ("mask", "embedded")


def painted_mask(target: Target) -> Mask:
    """HW in [0, 1], as a person painted it. RequestError where it can't be read or is empty."""
    mask = load_mask(target.value) if target.kind == "mask" else load_embedded_mask(target.value)
    if not mask.any():
        name = f"the mask {shown_path(target.value)}" if target.kind == "mask" else "the mask"
        raise RequestError(
            f"{name} is black or transparent all over: paint what is meant white, or export the "
            "selection again"
        )
    return mask


def name_of(region: Region) -> str:
    """What a person calls the region, for stages, layers and messages."""
    name = " + ".join(_word_of(term) for term in region.terms)
    return name if region.within is None else f"{name} within {_word_of(region.within)}"


def label(target: Target) -> str:
    """What a score is listed under: a phrase, or image:FILE."""
    return f"image:{target.value}" if target.kind == "image" else target.value


def absence(
    target: Target, values: Mask, threshold: float | None = None, place: str = "the picture"
) -> str | None:
    """Says that `place` does not show the thing, and how nearly; None if it does.

    values: its calibrated soft mask.
    """
    threshold = threshold or 0.5
    best = float(values.max())
    figures = f"(best score {best:.2f}, threshold {threshold:.2f})"
    image = target.kind == "image"
    thing = f"what {shown_path(target.value)} shows" if image else shown(target.value)
    if best < threshold:
        return f"{thing} was not found in {place} {figures}"
    if float((values >= threshold).mean()) < LEAST_AREA:
        return f"{thing} was found on a speck only in {place} {figures}"
    return None


def _word_of(target: Target) -> str:
    names = {"all": "whole picture", "embedded": "painted mask"}
    return names.get(target.kind, target.value)


_T = TypeVar("_T", str, Target)


def _unique(items: Sequence[_T]) -> list[_T]:
    return list(dict.fromkeys(items))
