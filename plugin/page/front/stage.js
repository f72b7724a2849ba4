// The picture: before and after, masks over it, and the brush that corrects them.
((element, props, watch) => {
  const model = window.semanticStyle, { h } = model;
  let view = "result", tool = "none", compare = 50, wanted = "", strokes = null, masks = [];
  const undo = new Map();

  const before = h("img", { class: "ss-before", alt: "your picture", draggable: "false" });
  const after = h("img", { class: "ss-after", alt: "the result", draggable: "false" });
  const canvas = h("canvas", { class: "ss-mask", role: "img", "aria-label": "what will be repainted" });
  const line = h("div", { class: "ss-divider" });
  const slider = h("input", {
    type: "range", class: "ss-compare", min: 0, max: 100, value: 50, step: 0.5,
    "aria-label": "Compare before and after",
    oninput: () => { compare = Number(slider.value); place(); },
  });
  const ring = h("div", { class: "ss-ring" });
  const tagBefore = h("span", { class: "ss-tag ss-left" }, "before");
  const tagAfter = h("span", { class: "ss-tag ss-right" }, "after");
  const frame = h("div", { class: "ss-frame" }, before, after, canvas, line, tagBefore, tagAfter,
    slider, ring);

  const choice = (name, text, act) =>
    h("button", { type: "button", class: "ss-choice", "data-name": name, onclick: act }, text);
  const views = h("div", { class: "ss-group", role: "group", "aria-label": "View" },
    choice("result", "Result", () => { wanted = "result"; refresh(); }),
    choice("mask", "Mask", () => { wanted = "mask"; refresh(); }));
  const tools = h("div", { class: "ss-group ss-tools", role: "group", "aria-label": "Brush" },
    choice("add", "Add", () => pick("add")),
    choice("erase", "Erase", () => pick("erase")));
  const size = h("input", {
    type: "range", min: 4, max: 160, value: 40, "aria-label": "Brush size", class: "ss-size",
  });
  const back = h("button", { type: "button", class: "ss-plain", onclick: () => step() }, "Undo");
  const clear = h("button", { type: "button", class: "ss-plain", onclick: () => wipe() }, "Clear");
  const brush = h("div", { class: "ss-brush" }, tools, size, back, clear);
  const label = h("span", { class: "ss-label" });
  const busy = h("span", { class: "ss-busy", hidden: true }, "working ...");
  const said = h("div", { class: "ss-said", role: "status" });
  element.append(frame, h("div", { class: "ss-bar" }, views, brush, busy, label), said);

  const pick = (name) => {
    tool = tool === name ? "none" : name;
    refresh();
  };
  const place = () => {
    after.style.clipPath = `inset(0 0 0 ${compare}%)`;
    line.style.left = `${compare}%`;
    tagBefore.style.opacity = compare > 14 ? 1 : 0;
    tagAfter.style.opacity = compare < 86 ? 1 : 0;
  };
  const loaded = (source) => new Promise((done) => {
    if (!source) return done(null);
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => done(null);
    image.src = source;
  });
  const sheet = (fill) => {
    const made = h("canvas", { width: canvas.width, height: canvas.height });
    const pen = made.getContext("2d", { willReadFrequently: true });
    pen.fillStyle = fill;
    pen.fillRect(0, 0, made.width, made.height);
    return made;
  };

  // Masks as the worker sent them, in the rows' colours; the active row's is the strongest.
  const draw = () => {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    masks.forEach(({ number, image }) => {
      const tint = sheet(model.hue(number)), cut = tint.getContext("2d");
      cut.globalCompositeOperation = "destination-in";
      cut.drawImage(alphaOf(image), 0, 0, tint.width, tint.height);
      pen.globalAlpha = number === model.active ? 0.62 : 0.3;
      pen.drawImage(tint, 0, 0);
    });
    pen.globalAlpha = 1;
  };
  const alphas = new WeakMap();
  const alphaOf = (image) => {
    if (!alphas.has(image)) {
      const made = h("canvas", { width: image.naturalWidth, height: image.naturalHeight });
      const pen = made.getContext("2d");
      pen.drawImage(image, 0, 0);
      const data = pen.getImageData(0, 0, made.width, made.height);
      for (let k = 0; k < data.data.length; k += 4) data.data[k + 3] = data.data[k];
      pen.putImageData(data, 0, 0);
      alphas.set(image, made);
    }
    return alphas.get(image);
  };

  // Strokes: what was added (white on black) and where nothing was erased (black on white).
  const sheets = async (row) => {
    const made = { painted: sheet("#000"), bound: sheet("#fff") };
    for (const name of ["painted", "bound"]) {
      const image = await loaded(row[name] && `data:image/png;base64,${row[name]}`);
      if (image) made[name].getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    }
    return made;
  };
  const encoded = (made, blank) => {
    const data = made.getContext("2d").getImageData(0, 0, made.width, made.height).data;
    let touched = false;
    for (let k = 0; k < data.length && !touched; k += 4) touched = data[k] !== blank;
    return touched ? made.toDataURL("image/png").split(",")[1] : "";
  };
  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * canvas.width,
      (event.clientY - box.top) / box.height * canvas.height];
  };
  const paint = (from, to) => {
    const on = (made, colour) => {
      const pen = made.getContext("2d");
      pen.strokeStyle = colour;
      pen.lineCap = pen.lineJoin = "round";
      pen.lineWidth = Number(size.value);
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(to[0] + 0.01, to[1]);
      pen.stroke();
    };
    const adds = tool === "add";
    on(strokes.painted, adds ? "#fff" : "#000");
    on(strokes.bound, adds ? "#fff" : "#000");
    const pen = canvas.getContext("2d");
    pen.globalCompositeOperation = adds ? "source-over" : "destination-out";
    pen.globalAlpha = adds ? 0.62 : 1;
    on(canvas, model.hue(model.active));
    pen.globalAlpha = 1;
    pen.globalCompositeOperation = "source-over";
  };
  const keepStrokes = (row, kept) => {
    [row.painted, row.bound] = kept;
    model.changed(60);
    refresh();
  };
  const past = (row) => {
    if (!undo.has(row.id)) undo.set(row.id, []);
    return undo.get(row.id);
  };
  const step = () => {
    const row = model.rows[model.active], kept = past(row).pop();
    if (kept) keepStrokes(row, kept);
  };
  const wipe = () => {
    const row = model.rows[model.active];
    past(row).push([row.painted, row.bound]);
    keepStrokes(row, ["", ""]);
  };
  let last = null;
  canvas.addEventListener("pointerdown", async (event) => {
    if (tool === "none" || event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    const at = spot(event), row = model.rows[model.active];
    last = at;
    strokes = await sheets(row);
    if (last) paint(at, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    const box = frame.getBoundingClientRect(), width = Number(size.value) * box.width / canvas.width;
    Object.assign(ring.style, {
      width: `${width}px`, height: `${width}px`,
      left: `${event.clientX - box.left}px`, top: `${event.clientY - box.top}px`,
    });
    if (!last) return;
    const at = spot(event);
    if (strokes) paint(last, at);
    last = at;
  });
  const lift = () => {
    if (!last) return;
    last = null;
    const finish = () => {
      const row = model.rows[model.active];
      past(row).push([row.painted, row.bound]);
      keepStrokes(row, [encoded(strokes.painted, 0), encoded(strokes.bound, 255)]);
      strokes = null;
    };
    if (strokes) finish();
    else setTimeout(() => strokes && finish(), 50);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);

  const refresh = () => {
    const { picture, after: source } = model.shown, row = model.rows[model.active];
    view = wanted || (source ? "result" : "mask");
    if (!source) view = "mask";
    const compared = view === "result" && Boolean(source);
    frame.classList.toggle("ss-comparing", compared);
    frame.classList.toggle("ss-painting", !compared && tool !== "none");
    after.hidden = line.hidden = slider.hidden = tagBefore.hidden = tagAfter.hidden = !compared;
    canvas.hidden = compared;
    brush.hidden = compared;
    views.hidden = !source;
    back.disabled = !past(row).length;
    clear.disabled = !row.painted && !row.bound;
    for (const button of views.children) {
      button.setAttribute("aria-pressed", String(button.dataset.name === view));
    }
    for (const button of tools.children) {
      button.disabled = button.dataset.name === "add" && row.invert;
      button.setAttribute("aria-pressed", String(button.dataset.name === tool));
    }
    size.hidden = back.hidden = clear.hidden = tool === "none" && !row.painted && !row.bound;
    label.textContent = model.shown.label || "";
    said.replaceChildren(...(model.shown.said || []).map((text) => h("p", {}, text)));
    element.hidden = !picture;
    draw();
    place();
  };

  const show = async ({ other }) => {
    const { picture, after: source, masks: given } = model.shown;
    busy.hidden = true;
    if (!picture) return refresh();
    if (other) {
      wanted = "";
      tool = "none";
      undo.clear();
      before.src = picture.shown;
      frame.style.aspectRatio = `${picture.width} / ${picture.height}`;
      frame.style.setProperty("--wide", picture.width / picture.height);
      const small = await loaded(picture.shown);
      canvas.width = small?.naturalWidth || picture.width;
      canvas.height = small?.naturalHeight || picture.height;
    }
    if (source) after.src = source;
    const found = await Promise.all(Object.entries(given).map(async ([number, data]) =>
      ({ number: Number(number), image: await loaded(data) })));
    masks = found.filter(({ image }) => image);
    refresh();
  };
  model.on("shown", show);
  model.on("active", refresh);
  model.on("ask", () => { busy.hidden = !model.shown.picture; });
  model.on("view", (name) => { wanted = name; refresh(); });
  watch("value", () => model.show(props.value));
  element.hidden = true;
})
