"""CLIPSeg's parts, called one by one, so that each runs as seldom as it can.

Lüddecke and Ecker, "Image Segmentation Using Text and Image Prompts" (CVPR 2022), section 3: a
frozen CLIP encodes picture and prompt, a small decoder takes activations of some layers of the
picture's encoder and is conditioned on the prompt by FiLM. transformers' own forward runs the
vision tower once for every phrase; here it runs once for a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.device import Device
from ..core.errors import RequestError
from ..core.wording import shown
from ..weights.clipseg_folder import load_clipseg

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 16  # prompts decoded at once: about 90 MB at 352 px


class ClipSegNetwork:
    """Vision tower, text tower and decoder of a CLIPSeg folder on one device."""

    def __init__(self, folder: Path, device: Device, size: int | None = None) -> None:
        """size: side in px at which pictures are seen, a multiple of the patch; default the
        model's own. RequestError for another size and for a folder that is no sound CLIPSeg."""
        self._model, self._processor = load_clipseg(folder)
        self._model.to(device.place)
        self._device = device
        config = self._model.config
        self._layers = [layer + 1 for layer in config.extract_layers]  # 0 is the embeddings
        self._context = int(config.text_config.max_position_embeddings)
        patch = int(config.vision_config.patch_size)
        own = self._processor.image_processor.size
        self.side = size or int(own["height"] or config.vision_config.image_size)
        if self.side % patch or self.side < 2 * patch:
            raise RequestError(f"CLIPSeg sees pictures at a multiple of {patch} px: not {size}")

    def see(self, image: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """HWC sRGB -> activations [1, 1 + patches, D] of the layers that the decoder takes.

        The one place where the vision tower looks at a picture that is to be segmented.
        """
        import torch

        with torch.inference_mode(), self._device.autocast():
            seen = self._model.clip.vision_model(
                pixel_values=self._pixels([image]),
                interpolate_pos_encoding=True,
                output_hidden_states=True,
                return_dict=True,
            )
        return tuple(seen.hidden_states[layer] for layer in self._layers)

    def read(self, phrases: Sequence[str]) -> Tensor:
        """[P, D]: conditional embeddings of phrases. RequestError for one that is too long."""
        import torch

        tokens = self._processor.tokenizer(
            list(phrases), padding=True, return_tensors="pt", verbose=False
        )
        for phrase, length in zip(phrases, tokens["attention_mask"].sum(1).tolist(), strict=True):
            if length > self._context:
                raise RequestError(
                    f"{shown(phrase)} is too long for CLIPSeg ({length} tokens of at most "
                    f"{self._context}): say it in fewer words"
                )
        with torch.inference_mode(), self._device.autocast():
            pooled = self._model.clip.text_model(
                input_ids=tokens["input_ids"].to(self._device.place),
                attention_mask=tokens["attention_mask"].to(self._device.place),
                return_dict=True,
            ).pooler_output
            embeddings: Tensor = self._model.clip.text_projection(pooled)
        return embeddings

    def look_at(self, prompts: Sequence[NDArray[np.uint8]]) -> Tensor:
        """[P, D]: conditional embeddings of pictures of a thing (section 3.3, as they are)."""
        import torch

        with torch.inference_mode(), self._device.autocast():
            pooled = self._model.clip.vision_model(
                pixel_values=self._pixels(prompts), return_dict=True
            ).pooler_output
            embeddings: Tensor = self._model.clip.visual_projection(pooled)
        return embeddings

    def logits(self, activations: Sequence[Tensor], prompts: Tensor) -> Tensor:
        """[P, h, w] float32 on the CPU, of what `see` gave for one picture and P prompts [P, D]."""
        import torch

        with torch.inference_mode(), self._device.autocast():
            # The picture's batch of 1 broadcasts: what does not depend on the prompt is done once.
            chunks = [
                self._model.decoder(activations, chunk, return_dict=True).logits.float().cpu()
                for chunk in prompts.split(CHUNK)
            ]
        return torch.cat(chunks)

    def _pixels(self, images: Sequence[NDArray[np.uint8]]) -> Tensor:
        """[n, 3, side, side] by the model's own resize and normalisation."""
        from PIL import Image

        # transformers 4 takes three rows for three channels; all is stretched to a square anyway.
        high = (image.repeat(4, axis=0) if len(image) < 4 else image for image in images)
        pictures: Any = self._processor.image_processor(
            images=[Image.fromarray(np.ascontiguousarray(image)) for image in high],
            size={"height": self.side, "width": self.side},
            return_tensors="pt",
        )
        pixels: Tensor = pictures["pixel_values"].to(self._device.place)
        return pixels
