"""The window in which one chooses a style: pictures, words, what is open in GIMP, a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gi.repository import Gtk

from .model import Source
from .styles import THUMBNAIL, Styles, named, word
from .words import _

SIZE = (660, 520)  # px


@dataclass(frozen=True)
class Open:
    """An image or a layer that is open in GIMP. source: reads it, ValueError if it can't be."""

    title: str
    thumbnail: Any
    source: Callable[[], Source]


class Chooser:
    """Made anew for each choice, since what is open in GIMP changes."""

    def __init__(
        self,
        parent: Any,
        styles: Styles,
        opened: Iterable[Open],
        from_file: Callable[[str], Source],
    ) -> None:
        """from_file: reads a picture file, ValueError if it can't be."""
        self._from_file = from_file
        self._chosen: tuple[Source, ...] | None = None
        self._grids: list[Any] = []
        self._dialog = Gtk.Dialog(title=_("Choose a Style"), transient_for=parent, modal=True)
        self._dialog.set_default_size(*SIZE)
        self._dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        file = self._dialog.add_button(_("From a _File…"), Gtk.ResponseType.HELP)
        self._dialog.get_action_area().set_child_secondary(file, True)

        self._search = Gtk.SearchEntry()
        self._search.set_placeholder_text(_("Search"))
        self._search.get_accessible().set_name(_("Search"))
        self._search.connect("search-changed", lambda entry: self._filter())
        self._search.connect("activate", self._first)
        self._search.connect("stop-search", self._escaped)
        self._message = Gtk.Label(xalign=0, wrap=True)
        self._message.set_no_show_all(True)

        self._pages = Gtk.Notebook()
        pictures = []
        for name in styles.names:
            title, picture = styles.title([named(name)]), styles.picture([named(name)], THUMBNAIL)
            pictures.append((_tile(title, picture), f"{title} {name}", partial(named, name)))
        self._page(_("_Pictures"), pictures)
        self._page(_("_Words"), [(_word(text), text, partial(word, text)) for text in styles.words])
        self._page(
            _("_Open images"),
            [(_tile(each.title, each.thumbnail), each.title, each.source) for each in opened],
        )

        area = self._dialog.get_content_area()
        area.set_spacing(8)
        area.set_border_width(10)
        area.pack_start(self._search, False, False, 0)
        area.pack_start(self._pages, True, True, 0)
        area.pack_start(self._message, False, False, 0)
        area.show_all()

    def run(self) -> tuple[Source, ...] | None:
        """The style that was chosen, None for none."""
        self._search.grab_focus()
        while True:
            answer = self._dialog.run()
            if answer == Gtk.ResponseType.HELP:
                self._ask_file()
            if answer != Gtk.ResponseType.HELP or self._chosen is not None:
                break
        self._dialog.destroy()
        return self._chosen

    def _page(self, title: str, tiles: Sequence[tuple[Any, str, Callable[[], Source]]]) -> None:
        """A grid of (widget, what is searched in, what it stands for)."""
        if not tiles:
            return
        grid = Gtk.FlowBox()
        grid.set_valign(Gtk.Align.START)
        grid.set_homogeneous(True)
        grid.set_max_children_per_line(8)
        grid.set_selection_mode(Gtk.SelectionMode.BROWSE)
        for widget, _searched, _source in tiles:
            grid.add(widget)
        texts = [searched.casefold() for _widget, searched, _source in tiles]
        grid.set_filter_func(lambda child: self._wanted() in texts[child.get_index()])
        grid.connect("child-activated", lambda g, child: self._take(tiles[child.get_index()][2]))
        scrolled = Gtk.ScrolledWindow()
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        scrolled.add(grid)
        tab = Gtk.Label.new_with_mnemonic(title)
        tab.set_margin_start(10)
        tab.set_margin_end(10)
        self._pages.append_page(scrolled, tab)
        self._grids.append(grid)

    def _wanted(self) -> str:
        return str(self._search.get_text()).strip().casefold()

    def _filter(self) -> None:
        """All pages by what is searched; one that has something comes forward."""
        for grid in self._grids:
            grid.invalidate_filter()
        full = [number for number, grid in enumerate(self._grids) if _seen(grid)]
        if full and self._pages.get_current_page() not in full:
            self._pages.set_current_page(full[0])

    def _first(self, entry: Any) -> None:
        """Enter in the search takes the first of the page in sight."""
        self._filter()  # "search-changed" comes a little late
        grid = self._grids[self._pages.get_current_page()]
        seen = _seen(grid)
        if seen:
            grid.emit("child-activated", seen[0])

    def _escaped(self, entry: Any) -> None:
        """Escape empties the search first, and then closes the window."""
        if entry.get_text():
            entry.set_text("")
        else:
            self._dialog.response(Gtk.ResponseType.CANCEL)

    def _take(self, read: Callable[[], Source]) -> None:
        try:
            self._chosen = (read(),)
        except ValueError as error:
            self._message.set_text(str(error))
            self._message.show()
            return
        self._dialog.response(Gtk.ResponseType.OK)

    def _ask_file(self) -> None:
        ask = Gtk.FileChooserNative.new(
            _("Choose a Picture"), self._dialog, Gtk.FileChooserAction.OPEN, None, None
        )
        pictures = Gtk.FileFilter()
        pictures.set_name(_("Pictures"))
        pictures.add_pixbuf_formats()
        ask.add_filter(pictures)
        if ask.run() == Gtk.ResponseType.ACCEPT:
            path = ask.get_filename()
            self._take(lambda: self._from_file(path))
        ask.destroy()


def _seen(grid: Any) -> list[Any]:
    """The children that the search leaves."""
    return [child for child in grid.get_children() if child.get_child_visible()]


def _tile(title: str, thumbnail: Any) -> Any:
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
    box.pack_start(Gtk.Image.new_from_pixbuf(thumbnail), False, False, 0)
    label = Gtk.Label(label=title, justify=Gtk.Justification.CENTER)
    label.set_line_wrap(True)
    label.set_lines(2)
    label.set_ellipsize(3)  # at the end
    label.set_width_chars(16)
    label.set_max_width_chars(16)
    label.set_tooltip_text(title)
    box.pack_start(label, False, False, 0)
    return box


def _word(text: str) -> Any:
    label = Gtk.Label(label=text)
    label.set_margin_top(4)
    label.set_margin_bottom(4)
    return label
