"""Convolutions that pad by reflection, and those that follow an enlargement by repetition."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import winograd


class Convolution(nn.Conv2d):
    """torch's, with the padding in the format of its input: [N, C, H, W] -> [N, C', H', W'].

    Autocast would bring what is padded by reflection to float32 and back: at 512 px that took a
    fifth of TNet's time, and a quarter of AdaAttN's.
    """

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        padding_mode: Literal["reflect", "zeros"] = "reflect",
        bias: bool = True,
    ) -> None:
        super().__init__(
            before, after, kernel, stride, padding=kernel // 2, padding_mode=padding_mode, bias=bias
        )
        self.winograd = False  # see `laid_out`

    def forward(self, input: Tensor) -> Tensor:
        zeros = self.padding_mode == "zeros"
        x = input if zeros else self._padded(input, self.padding_mode)
        padding = int(self.padding[0]) if zeros else 0
        if self.winograd and winograd.fits(x, self.out_channels):
            return winograd.convolved(x, self.weight, self.bias, padding)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding)

    def _padded(self, x: Tensor, mode: str) -> Tensor:
        sides = [int(self.padding[axis]) for axis in (1, 1, 0, 0)]
        with torch.autocast(x.device.type, enabled=False):
            return F.pad(x, sides, mode=mode)


class DoublingConvolution(Convolution):
    """`Convolution`, 3 x 3 with stride 1, of its input enlarged twice by repetition:
    NCHW -> [N, C', 2H, 2W].

    Of the nine pixels under the kernel four differ. Where no gradient is asked for, each of the
    four kinds of places is a convolution of the input itself by a 2 x 2 kernel, the sums of what
    fell on the same pixel: less than half of the multiplications, and nothing enlarged.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after)

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return super().forward(F.interpolate(x, scale_factor=2, mode="nearest"))
        count, _, height, width = x.shape
        # What an enlarged picture reflects at its border is its border itself.
        padded = self._padded(x, "replicate")
        answer: Tensor | None = None
        for row, of_row in enumerate(_summed(self.weight, 2)):
            for column, kernel in enumerate(_summed(of_row, 3)):
                part = padded[..., row : row + height + 1, column : column + width + 1]
                found = F.conv2d(part, kernel, self.bias).permute(0, 2, 3, 1)
                if answer is None:
                    answer = found.new_empty(count, 2 * height, width, 2, found.shape[3])
                answer[:, row::2, :, column] = found
        assert answer is not None
        return answer.view(count, 2 * height, 2 * width, -1).permute(0, 3, 1, 2)


def _summed(kernel: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """A kernel of three along `side`, for the first and the second of two equal pixels."""
    first, second, third = kernel.unbind(side)
    return torch.stack([first, second + third], side), torch.stack([first + second, third], side)


def laid_out(network: nn.Module, *, quick: bool = True) -> None:
    """Bring a network's weights into the order in which pictures are convolved fastest, on the
    device where they are.

    quick: on a processor convolutions that gain by it go Winograd's way where that is to be had;
    else every one is torch's own.
    """
    network.to(memory_format=torch.channels_last)
    for module in network.modules():
        if type(module) is Convolution and module.kernel_size == (3, 3) and module.stride == (1, 1):
            here = quick and module.weight.device.type == "cpu"
            module.winograd = here and winograd.pays(module.in_channels, module.out_channels)
            if module.winograd:
                module.weight.data = module.weight.data.contiguous()
