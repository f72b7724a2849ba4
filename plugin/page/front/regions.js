// What is repainted, and how: a row a region, and the styles to choose from.
((element, props, trigger, watch) => {
  const model = window.semanticStyle, { h } = model;
  const built = new Map();
  const rows = h("div", { class: "ss-rows" });
  const plus = h("button", { type: "button", class: "ss-plain ss-add", onclick: () => {
    model.add();
    built.get(model.rows.at(-1).id).phrase.focus();
  } }, "+ Another region");
  const keep = h("input", {
    type: "text", placeholder: "people, tree", "aria-label": "Keep as it is", id: "ss-keep",
    oninput: () => { model.keep = keep.value; model.changed(); },
  });
  const keepNote = h("p", { class: "ss-error", role: "alert" });
  const styles = h("div", { class: "ss-styles", role: "group", "aria-label": "Styles" });
  const heading = h("h3", {}, "Style");
  element.append(h("h3", {}, "Repaint"), rows, plus, heading, styles,
    h("label", { class: "ss-field", for: "ss-keep" }, h("span", {}, "Keep as it is"), keep), keepNote);

  const range = (row, name, text, min, max, step, format) => {
    const out = h("output");
    const field = h("input", {
      type: "range", min, max, step, "aria-label": text,
      oninput: () => {
        row[name] = Number(field.value);
        out.textContent = format(row[name]);
        model.changed(120);
      },
    });
    field.refresh = () => { field.value = row[name]; out.textContent = format(row[name]); };
    return [field, h("label", { class: "ss-range" }, h("span", {}, text), field, out)];
  };
  const percent = (value) => `${Math.round(value * 100)} %`;
  const pixels = (value) => `${value} px`;

  const build = (row) => {
    const number = () => model.rows.indexOf(row);
    const phrase = h("input", {
      type: "text", class: "ss-phrase", placeholder: "sky", autocomplete: "off", spellcheck: "false",
      "aria-label": "What to repaint", maxlength: 200,
      oninput: () => { row.phrase = phrase.value; parts.refresh(); model.changed(); },
    });
    const picture = h("img", { alt: "" });
    const title = h("span");
    const style = h("button", {
      type: "button", class: "ss-chosen",
      onclick: () => {
        model.activate(number());
        heading.scrollIntoView({ behavior: "smooth", block: "nearest" });
        styles.querySelector("button")?.focus({ preventScroll: true });
      },
    }, picture, title);
    const remove = h("button", {
      type: "button", class: "ss-plain ss-remove", "aria-label": "Remove this region", title: "Remove",
      onclick: () => model.remove(number()),
    }, "×");
    const hints = h("div", { class: "ss-hints" });
    const [strength, strengthRow] = range(row, "strength", "Strength", 0, 1, 0.05, percent);
    const [threshold, a] = range(row, "threshold", "Sureness", 0.05, 0.95, 0.05, percent);
    const [grow, b] = range(row, "grow", "Grow", -50, 50, 1, pixels);
    const [feather, c] = range(row, "feather", "Soft edge", 0, 50, 1, pixels);
    const invert = h("input", {
      type: "checkbox", onchange: () => { row.invert = invert.checked; model.changed(0); },
    });
    const from = h("input", {
      type: "text", placeholder: "all of it", "aria-label": "Part of the style picture", maxlength: 200,
      oninput: () => { row.from = from.value; model.changed(); },
    });
    const details = h("details", {}, h("summary", {}, "Adjust"), a, b, c,
      h("label", { class: "ss-check" }, invert, "everything but this"),
      h("label", { class: "ss-field" }, h("span", {}, "Only this part of the style picture"), from),
      h("button", { type: "button", class: "ss-plain", onclick: () => {
        model.activate(number());
        model.tell("view", "mask");
      } }, "Show the mask, and correct it with the brush"));
    const note = h("p", { class: "ss-note", role: "status" });
    const error = h("p", { class: "ss-error", role: "alert" });
    const section = h("section", {
      class: "ss-row", onfocusin: () => number() !== model.active && model.activate(number()),
    }, h("div", { class: "ss-line" }, h("i", { class: "ss-dot" }), phrase, style, remove),
    hints, error, note, strengthRow, details);

    const parts = { section, phrase, refresh: () => {
      const k = number(), { errors = {}, notes = {}, picture: open } = model.shown;
      section.style.setProperty("--hue", model.hue(k));
      section.setAttribute("aria-label", `Region ${k + 1}`);
      section.classList.toggle("ss-active", k === model.active);
      if (phrase.value !== row.phrase) phrase.value = row.phrase;
      if (from.value !== row.from) from.value = row.from;
      invert.checked = row.invert;
      for (const field of [strength, threshold, grow, feather]) field.refresh();
      const known = model.catalogue.styles.find((each) => each.name === row.style?.sources[0].value);
      title.textContent = row.style ? known && row.style.sources.length === 1 ? known.short
        : row.style.title : "choose a style";
      picture.hidden = !row.style || !(known || row.style.picture);
      if (!picture.hidden) picture.src = row.style.picture || known.picture;
      style.classList.toggle("ss-none", !row.style);
      style.setAttribute("aria-label", `Style: ${title.textContent}`);
      remove.hidden = model.rows.length === 1 && !row.phrase && !row.style;
      strengthRow.hidden = !row.style;
      hints.replaceChildren(...(row.phrase || row.painted || !open ? [] :
        model.catalogue.hints.map((word) => h("button", {
          type: "button", class: "ss-hint", onclick: () => {
            row.phrase = word;
            model.activate(k);
            parts.refresh();
            model.changed(0);
          },
        }, word))));
      note.textContent = notes[k] || "";
      error.textContent = errors[`region ${k}`] || "";
    } };
    return parts;
  };

  const refresh = () => {
    for (const [id, { section }] of built) {
      if (!model.rows.some((row) => row.id === id)) {
        section.remove();
        built.delete(id);
      }
    }
    for (const row of model.rows) {
      if (!built.has(row.id)) {
        built.set(row.id, build(row));
        rows.append(built.get(row.id).section);
      }
      built.get(row.id).refresh();
    }
    if (keep.value !== model.keep) keep.value = model.keep;
    keepNote.textContent = model.shown.errors?.keep || "";
    const row = model.rows[model.active];
    heading.textContent = model.rows.length > 1 && row.phrase ? `Style for ${row.phrase}` : "Style";
    for (const tile of styles.querySelectorAll("[data-style]")) {
      const chosen = row.style?.sources.length === 1 && row.style.sources[0].value;
      tile.setAttribute("aria-pressed", String(tile.dataset.style === chosen));
    }
  };

  const choose = (style) => {
    model.rows[model.active].style = style;
    refresh();
    model.tell("view", "");
    model.changed(0);
  };
  const LARGEST = 512; // px of a style that travels in a recipe
  const own = async (file) => {
    if (!file) return;
    const image = await createImageBitmap(file).catch(() => null);
    const place = model.rows[model.active].id, error = built.get(place).section.querySelector(".ss-error");
    if (!image || Math.min(image.width, image.height) < 16) {
      error.textContent = "this is no picture that a browser reads: save it as PNG or JPEG";
      return;
    }
    const ratio = Math.min(1, LARGEST / Math.max(image.width, image.height));
    const made = h("canvas", {
      width: Math.max(16, Math.round(image.width * ratio)),
      height: Math.max(16, Math.round(image.height * ratio)),
    });
    const pen = made.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, made.width, made.height);
    const picture = made.toDataURL("image/png");
    choose({ title: file.name.replace(/\.\w+$/, ""), picture,
      sources: [{ kind: "embedded", value: picture.split(",")[1] }] });
  };
  const gallery = () => {
    const file = h("input", {
      type: "file", accept: "image/png,image/jpeg,image/webp", class: "ss-hide", tabindex: -1,
      "aria-label": "Your own style picture",
      onchange: () => { own(file.files[0]); file.value = ""; },
    });
    const word = h("input", {
      type: "text", list: "ss-words", placeholder: "night", "aria-label": "A word as the style",
      maxlength: 100, onkeydown: (event) => event.key === "Enter" && use(),
    });
    const use = () => {
      const text = word.value.trim();
      if (text) choose({ title: text, sources: [{ kind: "word", value: text }] });
    };
    styles.replaceChildren(
      ...model.catalogue.styles.map(({ name, title, short, picture }) => h("button", {
        type: "button", class: "ss-tile", "data-style": name, title, "aria-pressed": "false",
        onclick: () => choose({ title, sources: [{ kind: "name", value: name }] }),
      }, h("img", { src: picture, alt: title, loading: "lazy" }), h("span", {}, short))),
      h("button", { type: "button", class: "ss-tile ss-own", onclick: () => file.click() },
        h("b", {}, "+"), h("span", {}, "Your own")), file);
    element.querySelector(".ss-word")?.remove();
    styles.after(h("div", { class: "ss-word ss-field" }, h("span", {}, "or a word"), word,
      h("datalist", { id: "ss-words" }, ...model.catalogue.words.map((each) => h("option", { value: each }))),
      h("button", { type: "button", class: "ss-plain", onclick: use }, "Use it")));
    refresh();
  };

  for (const event of ["rows", "active", "shown"]) model.on(event, refresh);
  model.on("ask", (wish) => {
    props.value = wish;
    trigger("look");
  });
  watch("catalogue", () => { model.catalogue = props.catalogue; gallery(); });
  if (props.catalogue) model.catalogue = props.catalogue;
  gallery();
})
