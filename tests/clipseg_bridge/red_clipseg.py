"""A CLIPSeg whose weights are set by hand: its logit grows with how red a patch is.

Any phrase asks it for red. A patch (4 px of the 32 at which it looks) has to be about half red, so
a red dot of a few pixels in a large picture is nothing to it until it looks more closely.
"""

from __future__ import annotations

from pathlib import Path

from tests.clipseg_tiny import make_tiny_clipseg


def make_red_clipseg(folder: Path) -> Path:
    import torch
    from safetensors.torch import load, save_file

    make_tiny_clipseg(folder)
    file = folder / "model.safetensors"
    state = load(file.read_bytes())
    for name, tensor in state.items():
        if "vision_model" in name or name.startswith("decoder"):
            norm = "norm" in name or "layrnorm" in name
            tensor.fill_(1.0 if norm and name.endswith("weight") else 0.0)
    vision = "clip.vision_model.embeddings."
    redness = torch.tensor([1.0, -0.5, -0.5])[:, None, None] / 16  # mean of a patch, normalised
    state[vision + "patch_embedding.weight"][0] = 0.5 * redness
    state[vision + "patch_embedding.weight"][1] = -0.5 * redness
    # A constant beside the signal, or the norms would bring every signal to the same length
    state[vision + "position_embedding.weight"][:, 2] = 1.0
    state[vision + "position_embedding.weight"][:, 3] = -1.0
    state["decoder.reduces.0.weight"][0, 0] = 1.0
    state["decoder.reduces.0.weight"][1, 0] = -1.0
    state["decoder.reduces.0.bias"][2:4] = torch.tensor([1.0, -1.0])
    state["decoder.film_mul.bias"].fill_(1.0)
    convolutions = "decoder.transposed_convolution."
    state[convolutions + "0.weight"][0, 0, 1, 1] = 1.0
    state[convolutions + "0.bias"][0] = 2.0  # kept above 0 through both rectifiers
    state[convolutions + "2.weight"][0, 0] = 1.0
    state[convolutions + "4.weight"][0, 0] = 30.0
    state[convolutions + "4.bias"][0] = -30.0 * 3.79
    save_file(state, file, {"format": "pt"})
    return folder
