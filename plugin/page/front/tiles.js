// Pictures to choose from, as buttons: the shipped photos, and what was painted before.
((element, props, trigger, watch) => {
  const { h } = window.semanticStyle;
  const render = () => {
    const tiles = (props.tiles || []).map(({ name, title, picture, caption }) =>
      h("button", {
        type: "button", class: "ss-tile", title,
        onclick: () => {
          props.value = { name, at: Date.now() };
          trigger("chosen");
        },
      }, h("img", { src: picture, alt: title }), caption ? h("span", {}, caption) : null));
    element.replaceChildren(h("p", { class: "ss-or" }, props.heading),
      h("div", { class: "ss-tiles" }, ...tiles));
  };
  watch(["tiles", "heading"], render);
  render();
})
