// What the page knows, shared by its parts: the rows, the picture, and what the worker said.
window.semanticStyle = (() => {
  const listeners = {};
  const hues = ["#e5484d", "#3e7bfa", "#30a46c", "#f5a623", "#8e4ec6", "#12a5bf"];
  let next = 0;

  const model = {
    rows: [],
    keep: "",
    active: 0,
    catalogue: { styles: [], words: [], hints: [] },
    shown: { picture: null, after: null, label: "", masks: {}, notes: {}, errors: {}, said: [] },
    restored: 0,

    on(event, heard) {
      (listeners[event] ||= []).push(heard);
    },

    tell(event, data) {
      for (const heard of listeners[event] || []) heard(data);
    },

    hue(number) {
      return hues[number % hues.length];
    },

    row(data = {}) {
      return {
        id: next++, phrase: "", style: null, strength: 1, threshold: 0.5, grow: 0, feather: 2,
        invert: false, from: "", painted: "", bound: "", ...data,
      };
    },

    add(data) {
      model.rows.push(model.row(data));
      model.activate(model.rows.length - 1);
      model.tell("rows");
    },

    remove(number) {
      model.rows.splice(number, 1);
      if (!model.rows.length) model.rows.push(model.row());
      model.activate(Math.min(model.active, model.rows.length - 1));
      model.tell("rows");
      model.changed(0);
    },

    activate(number) {
      model.active = number;
      model.tell("active");
    },

    // Something was asked for: the page tells it to Python once nothing follows for a moment.
    changed(delay = 250) {
      clearTimeout(model.timer);
      model.timer = setTimeout(() => model.tell("ask", model.wish()), delay);
    },

    wish() {
      const plain = ({ id, ...row }) => row;
      return { regions: model.rows.map(plain), keep: model.keep };
    },

    show(shown) {
      if (!shown) return;
      const earlier = model.shown.picture, other = shown.picture?.id !== earlier?.id;
      model.shown = shown;
      document.body.classList.toggle("ss-has-picture", Boolean(shown.picture));
      if (other) document.body.classList.remove("ss-choosing");
      if (shown.restore && shown.restore.id !== model.restored) {
        model.restored = shown.restore.id;
        model.rows = shown.restore.regions.map(model.row);
        if (!model.rows.length) model.rows.push(model.row());
        model.keep = shown.restore.keep;
        model.activate(0);
        model.tell("rows");
        if (!shown.after) model.changed(0);
      } else if (other && shown.picture) {
        if (earlier) for (const row of model.rows) row.painted = row.bound = "";
        model.changed(0);
      }
      model.tell("shown", { other });
    },
  };
  model.rows.push(model.row());

  // An element: attributes starting with "on" are listeners, the rest is set as it is.
  model.h = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child != null));
    return element;
  };

  // A picture's file, wherever it is dropped or pasted, goes into the page's own upload field.
  const bring = (files) => {
    const field = document.querySelector("#ss-photo input[type=file]");
    if (!field || !files.length) return false;
    const carrier = new DataTransfer();
    carrier.items.add(files[0]);
    field.files = carrier.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  };
  document.addEventListener("paste", (event) => {
    if (bring([...(event.clipboardData?.files || [])])) event.preventDefault();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (event.target.closest?.("#ss-photo")) return; // the field takes it itself
    event.preventDefault();
    bring([...(event.dataTransfer?.files || [])]);
  });
  return model;
})();
