"""Equation 3, its derivative, and a network's normalisations one after the other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from semantic_style.core.nets.normalisation import (
    DynamicNorms,
    dynamic_instance_norm,
    normalised_and_measured,
)
from semantic_style.core.nets.statistics import EPSILON, Moments, moments


@torch.no_grad()
def test_gamma_1_and_beta_0_are_plain_instance_normalisation() -> None:
    x = torch.randn(2, 5, 13, 11) * 3 + 1
    ones, zeros = torch.ones(2, 5), torch.zeros(2, 5)
    truth = F.instance_norm(x)
    torch.testing.assert_close(dynamic_instance_norm(x, ones, zeros), truth, atol=1e-5, rtol=0)
    given = dynamic_instance_norm(x, ones, zeros, moments(x))
    torch.testing.assert_close(given, truth, atol=1e-5, rtol=0)


def test_the_written_out_derivative_is_autograd_s() -> None:
    def formula(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        mean = x.mean((2, 3), keepdim=True)
        variance = (x - mean).square().mean((2, 3), keepdim=True)
        normal = (x - mean) / (variance + EPSILON).sqrt()
        return normal * gamma[..., None, None] + beta[..., None, None]

    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, 7, 5), torch.randn(2, 3), torch.randn(2, 3)]
    weight = torch.randn(2, 3, 7, 5)
    slopes = []
    for function in (dynamic_instance_norm, formula):
        own = [x.clone().requires_grad_() for x in inputs]
        (function(*own) * weight).sum().backward()
        slopes.append([x.grad for x in own])
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)


def test_one_picture_is_normalised_as_a_batch_is() -> None:
    x, gamma, beta = torch.randn(2, 4, 9, 7) * 3 + 1, torch.randn(2, 4), torch.randn(2, 4)
    with torch.no_grad():
        together = dynamic_instance_norm(x, gamma, beta)
        for k in range(2):
            alone = dynamic_instance_norm(x[k : k + 1], gamma[k : k + 1], beta[k : k + 1])
            assert (alone - together[k]).abs().max() < 1e-5


@torch.no_grad()
def test_a_tile_is_normalised_as_its_place_in_the_whole_is() -> None:
    whole = torch.randn(1, 4, 12, 16) * 2 + 1
    parameters = [(torch.randn(1, 4), torch.randn(1, 4)) for _ in range(2)]
    found: list[Moments] = []
    measuring = DynamicNorms(parameters, found=found)
    painted = measuring(measuring(whole).relu())
    of_tile = DynamicNorms(parameters, found)
    tile = of_tile(of_tile(whole[..., :5]).relu())
    torch.testing.assert_close(tile, painted[..., :5], atol=1e-4, rtol=0)
    assert len(found) == 2


@torch.no_grad()
def test_what_belongs_to_a_place_is_added_before_gamma_and_beta() -> None:
    x, placed = torch.randn(2, 1, 4, 9, 7).unbind()
    gamma, beta = torch.randn(2, 1, 4).unbind()
    found = DynamicNorms([(gamma, beta)])(x, placed)
    truth = (F.instance_norm(x) + placed) * gamma[..., None, None] + beta[..., None, None]
    torch.testing.assert_close(found, truth, atol=1e-4, rtol=1e-4)


def test_moments_found_on_the_way_are_those_of_all_of_the_picture() -> None:
    torch.manual_seed(0)
    x, gamma, beta = torch.randn(2, 4, 9, 7) * 3 + 1, torch.randn(2, 4), torch.randn(2, 4)
    truth = moments(x)
    for gradients in (True, False):
        with torch.set_grad_enabled(gradients):
            y, by = normalised_and_measured(x, gamma, beta)
        torch.testing.assert_close(by.mean, truth.mean)
        torch.testing.assert_close(by.deviation, truth.deviation)
        torch.testing.assert_close(y, dynamic_instance_norm(x, gamma, beta), atol=1e-5, rtol=1e-4)
