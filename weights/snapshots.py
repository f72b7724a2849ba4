"""Whole folders of the Hugging Face hub: fetched into its cache, or taken from a folder at hand."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from ..core.errors import RequestError
from .clipseg_folder import FILES, check_files, load_clipseg
from .manifest import Entry, file_sha256, hub_snapshot, record_path, weights_file
from .network import PROBE_SECONDS, probe


def fetch_snapshot(item: Entry) -> Path:
    """The pinned revision into the hub's cache. Raises RequestError as `obtain.fetch` says."""
    from huggingface_hub import constants, snapshot_download

    if constants.HF_HUB_OFFLINE:
        raise RequestError(f"HF_HUB_OFFLINE is set: unset it to fetch {item.name}")
    # The hub's own client retries for 20 s and more before it gives up.
    probe(constants.ENDPOINT, item)
    try:
        snapshot_download(
            item.repo,
            revision=item.revision,
            allow_patterns=list(FILES),
            etag_timeout=PROBE_SECONDS,
        )
    except Exception as error:  # the client's errors share no base but this
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RequestError(f"fetching {item.name} failed ({reason}): try again") from None
    path = hub_snapshot(item)
    check_files(path)
    file = weights_file(item, path)
    if file_sha256(file) != item.sha256:
        raise RequestError(
            f"{file} is not the pinned one (sha256 differs), so it is not used: bring a folder "
            f"and run semantic-style weights import {item.name}"
        )
    return path


def import_folder(item: Entry, source: Path, folder: Path) -> Path:
    """A copy of a CLIPSeg folder in the data folder's `folder`; gives where it lies.

    What is not the published file becomes the user's own checkpoint: a record of its sha256 lies
    beside it, and `verify` goes by that. The copy is opened before it takes its place, so a
    folder that is damaged, half or of another model leaves nothing behind (RequestError).
    """
    check_files(source)
    target = folder / item.file
    with tempfile.TemporaryDirectory(dir=folder, prefix=".import-") as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        try:
            for name in FILES:
                if (source / name).is_file():
                    shutil.copyfile(source / name, new / name)
        except OSError as error:
            raise RequestError(
                f"{source} can't be copied ({error.strerror}): free some space, or look at its "
                "permissions"
            ) from None
        model, _ = load_clipseg(new)
        for name, tensor in model.state_dict().items():
            if not tensor.isfinite().all():
                raise RequestError(f"{source}: {name} has values that are no finite numbers")
        del model
        weights = weights_file(item, new)
        digest = file_sha256(weights)
        if digest != item.sha256:
            record_path(weights).write_text(f"{digest}  {weights.name}\n", encoding="utf-8")
        if target.exists():
            target.rename(old)
        new.rename(target)
    return target
