"""A group that is made again, in a real GIMP: what a person did to it stays theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .real_gimp import RealGimp, Worker

START = """
NAME = "python-fu-semantic-style"

def state(holder):
    return [
        {
            "name": each.get_name(), "tattoo": each.get_tattoo(), "opacity": each.get_opacity(),
            "offsets": list(each.get_offsets()[1:]), "pixels": hash(samples(each)),
            "mask": hash(samples(each.get_mask(), "Y u16")) if each.get_mask() else None,
        }
        for each in holder.get_children()
    ]

def run(image, items, **options):
    answer = call(NAME, image=image, drawables=items, **options)
    return [answer["status"], answer["message"]]

def group_of(image):
    return next(each for each in image.get_layers() if each.is_group())

def paint(layer, box):
    mask = layer.get_mask()
    area = Gegl.Rectangle.new(*box)
    buffer = mask.get_buffer()
    old = bytes(buffer.get(area, 1.0, "Y u8", Gegl.AbyssPolicy.NONE))
    buffer.set(area, "Y u8", bytes(255 - each for each in old))
    buffer.flush()
    mask.update(*box)

def begun(recipe="sky = mosaic @ 0.6; * = batik @ 0.7", **options):
    image = opened(PHOTO)
    image.scale(96, 64)
    (source,) = image.get_layers()
    assert run(image, [source], recipe=recipe, **options) == ["SUCCESS", ""]
    return image, source
"""


@pytest.fixture(scope="module")
def found(real_gimp: RealGimp, shared_worker: Worker, photo_320: Path) -> dict[str, Any]:
    return real_gimp.batch(f"PHOTO = {str(photo_320)!r}\n{START}{SCRIPT}")


SCRIPT = """
image, source = begun()
group = group_of(image)
first = state(group)
verdict["same"] = [run(image, [group]), first, state(group)]
verdict["same, by one of its layers"] = [run(image, [group.get_children()[0]]), state(group)]
verdict["groups"] = sum(each.is_group() for each in image.get_layers())

# a person paints on a mask, renames, dims, adds a layer of their own
sky, whole = group.get_children()
paint(sky, (5, 5, 20, 10))
sky.set_name("my sky")
sky.set_opacity(80)
own = Gimp.Layer.new(image, "mine", 9, 9, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
image.insert_layer(own, group, 1)
layer = Gimp.Layer.new_from_drawable(sky, image)  # and keeps a copy of it
image.insert_layer(layer, group, 0)
copied = layer.get_tattoo()
painted = hash(samples(sky.get_mask(), "Y u16"))
status = run(image, [group], recipe="sky = batik @ 0.6; * = batik @ 0.7")
verdict["painted"] = [status, painted, copied, state(group) ]
sky = next(each for each in group.get_children() if each.get_name() == "my sky")
again = run(image, [group])
verdict["painted again"] = [again, state(group), sky.is_valid()]
verdict["recomputed"] = [run(image, [group], recompute_masks=True), painted, state(group)]
image.delete()

# a source that moved
image, source = begun()
group = group_of(image)
first = state(group)
source.set_offsets(3, -2)
verdict["moved"] = [run(image, [group]), first, state(group)]

# a source that changed
source.invert(False)
verdict["changed"] = [run(image, [group]), state(group)]
verdict["accepted"] = [run(image, [group], when_source_changed="accept"), state(group)]

# a layer that was deleted
image.remove_layer(group.get_children()[0])
verdict["deleted"] = [run(image, [group]), state(group)]
verdict["brought back"] = [run(image, [group], recompute_masks=True), state(group)]
for each in group.get_children():
    image.remove_layer(each)
verdict["none left"] = run(image, [group])

# a source that is gone
image.remove_layer(source)
verdict["gone"] = run(image, [group], recompute_masks=True)
image.delete()

# never painted on: a layer's mask also makes up for what its pixels can't, so that another
# style may raise it by a step
image, source = begun("sky = batik @ 0.6; * = batik @ 0.7")
verdict["never painted on"] = state(group_of(image))
image.delete()
image, source = begun("sky = mosaic @ 0.6; trees = watercolour")
verdict["these regions at once"] = state(group_of(image))
image.delete()

# other regions
image, source = begun("sky = mosaic @ 0.6; * = batik @ 0.7")
group = group_of(image)
verdict["other regions"] = [
    run(image, [group], recipe="sky = mosaic @ 0.6; trees = watercolour"), state(group),
    group.get_name()]
verdict["another order"] = [
    run(image, [group], recipe="trees = watercolour; sky = mosaic @ 0.6"), state(group)]
verdict["merged"] = [
    run(image, [group], recipe="sky = mosaic; * = batik", merge=True),
    [[each.get_name(), each.is_group()] for each in image.get_layers()]]
merged = image.get_layers()[0]
mask = hash(samples(merged.get_mask(), "Y u16"))
verdict["merged again"] = [run(image, [merged]), merged.is_valid()]
paint(merged, (3, 3, 10, 10))
mask = hash(samples(merged.get_mask(), "Y u16"))
status = run(image, [merged], recipe="sky = watercolour; * = batik", merge=True)
top = image.get_layers()[0]
verdict["merged painted"] = [status, mask == hash(samples(top.get_mask(), "Y u16")),
                             len(image.get_layers()), merged.is_valid()]
verdict["merged, still ours"] = [run(image, [top]), top.is_valid()]
image.delete()

# saved and opened
image, source = begun()
path = Gio.File.new_for_path(kept("again.xcf", b""))
Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, path, None)
image.delete()
image = opened(path.get_path())
group = group_of(image)
first = state(group)
verdict["from a file"] = [run(image, [group]), first, state(group)]
image.delete()

# within a selection, which is then taken off, and at another precision
image = opened(PHOTO)
image.scale(96, 64)
(source,) = image.get_layers()
image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 5, 40, 30)
status = [run(image, [source], recipe="* = batik")]
group = group_of(image)
first = state(group)
Gimp.Selection.none(image)
status.append(run(image, [group]))
second = state(group)
image.convert_precision(Gimp.Precision.U16_NON_LINEAR)
status.append(run(image, [group], when_source_changed="accept"))
third = [each["offsets"] for each in state(group)]
source.resize(50, 50, 0, 0)
status.append(run(image, [group], when_source_changed="accept"))
status.append(run(image, [group], when_source_changed="accept", recompute_masks=True))
verdict["selection"] = [status, first, second, third,
                        [[each.get_width(), each.get_height()] for each in group.get_children()]]
image.delete()

# two layers at once
image, source = begun()
other = source.copy()
image.insert_layer(other, None, len(image.get_layers()))
status = run(image, [source, other], recipe="* = batik")
verdict["two"] = [status, [each.get_name() for each in image.get_layers()],
                  [each.get_name() for each in image.get_selected_layers()]]
image.delete()
"""


def names(state: list[dict[str, Any]]) -> list[str]:
    return [layer["name"] for layer in state]


@pytest.mark.parametrize("case", ["same", "from a file"])
def test_run_again_nothing_changes(found: dict[str, Any], case: str) -> None:
    status, before, after = found[case]
    assert status == ["SUCCESS", ""]
    assert before == after


def test_a_layer_of_the_group_stands_for_it(found: dict[str, Any]) -> None:
    status, after = found["same, by one of its layers"]
    assert (status, after) == (["SUCCESS", ""], found["same"][1])
    assert found["groups"] == 1


def test_a_painted_mask_stays_and_is_restyled_within(found: dict[str, Any]) -> None:
    status, painted, copied, after = found["painted"]
    assert status == ["SUCCESS", ""]
    assert names(after) == ["my sky copy", "my sky", "mine", "whole picture"]
    by_name = {layer["name"]: layer for layer in after}
    first = {layer["name"]: layer for layer in found["same"][1]}
    assert by_name["my sky"]["mask"] == painted
    assert by_name["my sky"]["pixels"] != first["sky"]["pixels"]
    assert by_name["my sky"]["opacity"] == pytest.approx(80, abs=0.3)
    assert by_name["mine"]["mask"] is None
    assert copied in [layer["tattoo"] for layer in after]
    status, again, same_layer = found["painted again"]
    assert (status, again, same_layer) == (["SUCCESS", ""], after, True)


def test_recomputing_takes_painted_masks_back(found: dict[str, Any]) -> None:
    status, painted, after = found["recomputed"]
    by_name = {layer["name"]: layer for layer in after}
    assert status == ["SUCCESS", ""]
    assert by_name["my sky"]["mask"] == found["never painted on"][0]["mask"] != painted
    assert "mine" in by_name


def test_layers_follow_a_source_that_moved(found: dict[str, Any]) -> None:
    status, before, after = found["moved"]
    assert status == ["SUCCESS", ""]
    for old, new in zip(before, after, strict=True):
        assert new == {**old, "offsets": [old["offsets"][0] + 3, old["offsets"][1] - 2]}


def test_a_source_that_changed_is_only_redone_if_that_is_accepted(found: dict[str, Any]) -> None:
    (status, message), after = found["changed"]
    assert status == "EXECUTION_ERROR"
    assert "has changed" in message
    assert "\n" not in message
    assert after == found["moved"][2]
    status, accepted = found["accepted"]
    assert status == ["SUCCESS", ""]
    assert accepted[0]["pixels"] != after[0]["pixels"]


def test_a_deleted_layer_stays_deleted_until_masks_are_recomputed(found: dict[str, Any]) -> None:
    status, after = found["deleted"]
    assert (status, names(after)) == (["SUCCESS", ""], ["whole picture"])
    status, after = found["brought back"]
    assert (status, names(after)) == (["SUCCESS", ""], ["sky", "whole picture"])
    status, message = found["none left"]
    assert (status, "recompute masks" in message) == ("EXECUTION_ERROR", True)


def test_a_source_that_is_gone_is_said(found: dict[str, Any]) -> None:
    status, message = found["gone"]
    assert status == "EXECUTION_ERROR"
    assert "was made from is gone" in message


def test_other_regions_come_and_go_in_the_recipes_order(found: dict[str, Any]) -> None:
    status, after, name = found["other regions"]
    assert status == ["SUCCESS", ""]
    assert names(after) == ["sky", "trees"]
    assert name == "Semantic Style: sky, trees"
    assert after[0]["mask"] == found["these regions at once"][0]["mask"]
    status, after = found["another order"]
    assert (status, names(after)) == (["SUCCESS", ""], ["trees", "sky"])


def test_a_group_becomes_one_layer_and_that_is_made_again(found: dict[str, Any]) -> None:
    status, layers = found["merged"]
    assert status == ["SUCCESS", ""]
    assert [group for _, group in layers] == [False, False]
    assert found["merged again"] == [["SUCCESS", ""], True]
    assert found["merged painted"] == [["SUCCESS", ""], True, 2, False]
    assert found["merged, still ours"] == [["SUCCESS", ""], True]


def test_masks_stay_within_the_selection_they_were_made_in(found: dict[str, Any]) -> None:
    status, first, second, third, recomputed = found["selection"]
    assert [each for each, _ in status] == [
        "SUCCESS", "SUCCESS", "SUCCESS", "EXECUTION_ERROR", "SUCCESS",
    ]  # fmt: skip
    assert "select again" in status[3][1]
    assert first == second
    assert third == [[10, 5]]
    assert recomputed == [[50, 50]]


def test_each_of_several_layers_gets_a_group(found: dict[str, Any]) -> None:
    status, layers, selected = found["two"]
    assert status == ["SUCCESS", ""]
    assert len(layers) == 5
    assert len(selected) == 2
    assert all(name.startswith("Semantic Style: whole picture") for name in selected)
