"""Runs inside GIMP: makes documents of every kind, restyles a layer of each, writes down what is
seen before and after. The names of real_gimp's inside.py are there."""
# ruff: noqa: F821  (Gimp, Gegl, Babl, Gio, call, opened, kept, verdict come from outside)

RECIPE = "sky = mosaic @ 0.6; * = batik @ 0.7"
PROFILES = {
    "adobe": "new_rgb_adobe",
    "linear": "new_rgb_srgb_linear",
    "grey lab": "new_d50_gray_lab_trc",
}
DEPTHS = {"u8": 1, "u16": 2, "float": 4}


def own(drawable, form):
    """A format's name in the drawable's own space."""
    return Babl.get_name(Babl.format_with_space(form, drawable.get_format()))


def all_of(drawable, form=None):
    """Samples of the whole drawable in its own space; in its own format where none is named."""
    name = own(drawable, form) if form else Babl.get_name(drawable.get_format())
    return samples(drawable, name)


def made(case, photo):
    """The document of a case: image, and the layer in it that is to be restyled."""
    grey = case.get("grey", False)
    precision = getattr(Gimp.Precision, case.get("precision", "U8_NON_LINEAR"))
    width, height = case.get("image", [96, 64])
    base = Gimp.ImageBaseType.GRAY if grey else Gimp.ImageBaseType.RGB
    image = Gimp.Image.new_with_precision(width, height, base, precision)
    if "profile" in case:
        image.set_color_profile(getattr(Gimp.ColorProfile, PROFILES[case["profile"]])())
    kinds = Gimp.ImageType
    with_alpha, opaque = (
        (kinds.GRAYA_IMAGE, kinds.GRAY_IMAGE) if grey else (kinds.RGBA_IMAGE, kinds.RGB_IMAGE)
    )
    kind = with_alpha if case.get("alpha") else opaque
    layer = Gimp.Layer.new(image, "photo", 96, 64, kind, 100, Gimp.LayerMode.NORMAL)
    area = Gegl.Rectangle.new(0, 0, 96, 64)
    layer.get_buffer().set(area, "R'G'B'A u16", photo)
    layer.set_offsets(*case.get("offset", [0, 0]))
    parent = None
    for mode in case.get("groups", []):
        outer = Gimp.GroupLayer.new(image, "outer")
        outer.set_mode(getattr(Gimp.LayerMode, mode))
        image.insert_layer(outer, parent, 0)
        parent = outer
    image.insert_layer(layer, parent, 0)
    if case.get("below"):
        ground = Gimp.Layer.new(image, "ground", width, height, opaque, 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(ground, None, len(image.get_layers()))
        Gimp.context_set_foreground(Gegl.Color.new("rgb(0.2, 0.7, 0.3)"))
        ground.fill(Gimp.FillType.FOREGROUND)
    if case.get("above"):
        over = Gimp.Layer.new(image, "over", 10, 10, with_alpha, 50, Gimp.LayerMode.NORMAL)
        image.insert_layer(over, None, 0)
        over.fill(Gimp.FillType.WHITE)
    layer.set_opacity(case.get("opacity", 100))
    if case.get("mask"):
        mask = layer.create_mask(Gimp.AddMaskType.WHITE)
        ramp = bytes(min(255, 4 * x) for x in range(96)) * 64
        mask.get_buffer().set(area, "Y u8", ramp)
        layer.add_mask(mask)
    if case.get("locked"):
        layer.set_lock_content(True)
        layer.set_lock_position(True)
        layer.set_lock_alpha(case.get("alpha", False))
    if case.get("filter"):
        layer.append_filter(Gimp.DrawableFilter.new(layer, "gegl:invert-gamma", "inverted"))
    if case.get("selection") == "hard":
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 10, 50, 40)
    if case.get("selection") == "soft":
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 10, 5, 70, 50)
        Gimp.Selection.feather(image, 12)
    return image, layer


def restyled(case, photo, name):
    """What a case looks like before and after, as files of samples, and how the run ended."""
    image, layer = made(case, photo)
    depth, found = case.get("depth", "u8"), {}

    def seen(stage):
        flat = Gimp.Layer.new_from_visible(image, image, stage)
        found[f"{stage} native"] = kept(f"{name}-{stage}-native", all_of(flat))
        found[f"{stage}"] = kept(f"{name}-{stage}", all_of(flat, "R'G'B'A float"))
        flat.delete()

    source = all_of(layer)
    seen("before")
    if case.get("filter"):  # what is seen of the layer alone
        found["samples"] = found["before"]
    else:
        found["samples"] = kept(f"{name}-samples", all_of(layer, f"R'G'B'A {depth}"))
    profile = image.get_color_profile()
    if profile is not None:
        found["icc"] = kept(f"{name}-icc", bytes(profile.get_icc_profile()))
    x, y = case.get("offset", [0, 0])
    found["selection"] = kept(
        f"{name}-selection",
        samples(image.get_selection(), f"Y {mask_depth(depth)}", (x, y, 96, 64)),
    )
    if Gimp.Selection.is_empty(image):
        found.pop("selection")
    answer = call(
        "python-fu-semantic-style", image=image, drawables=[layer], recipe=RECIPE,
        merge=case.get("merge", False), polish=0 if case.get("inexact") else -1,
    )  # fmt: skip
    found["status"], found["message"] = answer["status"], answer["message"]
    found["untouched"] = source == all_of(layer)
    parent = layer.get_parent()
    siblings = parent.get_children() if parent is not None else image.get_layers()
    place = [each.get_id() for each in siblings].index(layer.get_id())
    holder = siblings[place - 1]
    found["holder"] = holder.get_name()
    found["layers"] = [
        {
            "name": each.get_name(),
            "box": [*each.get_offsets()[1:], each.get_width(), each.get_height()],
            "mask": kept(f"{name}-mask-{k}", samples(each.get_mask(), "Y u16")),
            "precision": Babl.get_name(each.get_mask().get_format()),
        }
        for k, each in enumerate(holder.get_children() if holder.is_group() else [holder])
    ]
    seen("after")
    image.delete()
    return found


def mask_depth(depth):
    return "u8" if depth == "u8" else "u16"
