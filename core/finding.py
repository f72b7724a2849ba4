"""From a recipe's targets to soft masks: what the segmenter is asked, and what its answers mean."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .canvas import PictureCanvas
from .errors import PhraseNotFound, RequestError
from .image import load_embedded_mask, load_mask, load_picture
from .masks import Mask, RegionControls, soft_step
from .picture import Picture, to_float
from .progress import CancelToken, Progress, silent
from .recipe import Recipe, Region, Target
from .resample import extent_of, resized_map
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

    soft: soft mask, None for the whole picture. missing: targets that the picture does not
    show (their soft mask is all 0). keep: soft masks of the keep phrases that it shows.
    scores: the best value of each phrase's calibrated mask. asked: whether the segmenter was.
    """

    names: tuple[str, ...]
    soft: tuple[Mask | None, ...]
    controls: tuple[RegionControls, ...]
    missing: tuple[bool, ...]
    keep: tuple[Mask, ...]
    scores: dict[str, float]
    warnings: tuple[str, ...]
    asked: bool


class Finder:
    """Asks one segmenter; keeps the encoding of the last picture."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self._last: tuple[bytes, Encoding] | None = None

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

        RequestError for a word that the segmenter does not know, a mask that can't be read, a
        picture prompt that the segmenter can't take. PhraseNotFound if the picture shows none
        of the regions; with `strict`, if any region or keep phrase is missing.
        """
        cancel = cancel or CancelToken()
        regions = recipe.regions
        targets = [region.target for region in regions]
        phrases = _unique([*(t.value for t in targets if t.kind == "phrase"), *recipe.keep])
        warnings = self.check(phrases)
        masks = {t: self._painted(t, picture, warnings) for t in targets if t.kind in _PAINTED}
        progress("finding", 0.0)
        prompts = _unique([t.value for t in targets if t.kind == "image"])
        answers: dict[tuple[str, str], Mask] = {}
        if phrases or prompts:
            images = self._prompts(prompts)
            encoding = self._encoding(picture)
            progress("finding", 0.7)
            cancel.check()
            if phrases:
                found = self.segmenter.masks(encoding, phrases)
                answers.update((("phrase", p), m) for p, m in zip(phrases, found, strict=True))
            if images and isinstance(self.segmenter, PicturePrompts):
                found = self.segmenter.image_masks(encoding, images)
                answers.update((("image", p), m) for p, m in zip(prompts, found, strict=True))
            cancel.check()
        progress("finding", 1.0)

        soft: list[Mask | None] = []
        complaints: list[str | None] = []
        for region, target in zip(regions, targets, strict=True):
            asked = answers.get((target.kind, target.value))
            complaints.append(None if asked is None else _absent(target.value, asked, region))
            values = asked if asked is not None else masks.get(target)
            missing = complaints[-1] is not None and values is not None
            soft.append(np.zeros_like(values) if missing else values)
        kept = {phrase: _absent(phrase, answers["phrase", phrase], None) for phrase in recipe.keep}
        said = _unique([each for each in [*complaints, *kept.values()] if each])
        if all(complaints) or (strict and said):
            raise PhraseNotFound("; ".join(said))
        return Found(
            names=tuple(name_of(target) for target in targets),
            soft=tuple(soft),
            controls=tuple(
                _controls(region, missing=complaint is not None)
                for region, complaint in zip(regions, complaints, strict=True)
            ),
            missing=tuple(complaint is not None for complaint in complaints),
            keep=tuple(answers["phrase", p] for p, absent in kept.items() if absent is None),
            scores={p: float(answers["phrase", p].max()) for p in phrases},
            warnings=(*warnings, *said),
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

    def part_of_style(self, style: NDArray[np.float32], phrase: str) -> Mask:
        """HW in [0, 1] at the style picture's size: the part of a painting that a phrase names.

        style: HWC sRGB in [0, 1]. RequestError where the painting does not show it.
        """
        values = self.segmenter.masks(self.segmenter.encode(style), [phrase])[0]
        complaint = _absent(phrase, values, None)
        if complaint:
            raise RequestError(f"in the style picture, {complaint}")
        return soft_step(resized_map(values, extent_of(style)))

    def _encoding(self, picture: Picture) -> Encoding:
        digest = hashlib.blake2b(repr((picture.extent, picture.info.icc)).encode())
        digest.update(np.ascontiguousarray(picture.pixels).data)
        key = digest.digest()
        if self._last is None or self._last[0] != key:
            self._last = (key, self.segmenter.encode(PictureCanvas(picture).fitted(ENCODE_SIDE)))
        return self._last[1]

    def _prompts(self, paths: Sequence[str]) -> list[NDArray[np.float32]]:
        if paths and not isinstance(self.segmenter, PicturePrompts):
            raise RequestError(
                f"the {self.segmenter.name} segmenter can't take picture prompts such as "
                f"image:{shown_path(paths[0])}: name the thing in words"
            )
        return [to_float(load_picture(path)) for path in paths]

    def _painted(self, target: Target, picture: Picture, warnings: list[str]) -> Mask:
        if target.kind == "embedded":
            return load_embedded_mask(target.value)
        mask = load_mask(target.value)
        extent = picture.extent
        ratio = (mask.shape[1] / mask.shape[0]) / (extent.width / extent.height)
        if abs(ratio - 1) > ASPECT_SLACK:
            warnings.append(
                f"the mask {shown_path(target.value)} has another shape than the picture "
                "and was stretched"
            )
        return mask


_PAINTED = ("mask", "embedded")


def name_of(target: Target) -> str:
    """What a person calls the target, for stages, layers and messages."""
    names = {"all": "whole picture", "embedded": "painted mask"}
    return names.get(target.kind, target.value)


def _absent(name: str, values: Mask, region: Region | None) -> str | None:
    """A line that says why the picture does not show the thing; None if it does."""
    threshold = (region.threshold if region is not None else None) or 0.5
    best = float(values.max())
    figures = f"(best score {best:.2f}, threshold {threshold:.2f})"
    if best < threshold:
        return (
            f"{shown(name)} was not found in the picture {figures}: "
            "try another word or a lower threshold"
        )
    if float((values >= threshold).mean()) < LEAST_AREA:
        return (
            f"{shown(name)} was found on a speck only {figures}: "
            "try another word or a lower threshold"
        )
    return None


def _controls(region: Region, *, missing: bool) -> RegionControls:
    if missing:
        return RegionControls(feather=0)  # nothing grows, and inverting must not mean everything
    kind = region.target.kind
    return RegionControls(
        region.threshold,
        region.grow,
        region.feather,
        region.invert,
        "whole" if kind == "all" else "painted" if kind in _PAINTED else "found",
    )


def _unique(items: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(items))
