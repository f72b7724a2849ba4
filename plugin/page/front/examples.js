// The shipped photos, as buttons.
((element, props, trigger, watch) => {
  const { h } = window.semanticStyle;
  const render = () => {
    const tiles = (props.photos || []).map(({ name, title, picture }) =>
      h("button", {
        type: "button", class: "ss-tile", title,
        onclick: () => {
          props.value = { name, at: Date.now() };
          trigger("chosen");
        },
      }, h("img", { src: picture, alt: title })));
    element.replaceChildren(h("p", { class: "ss-or" }, "or try one of these"),
      h("div", { class: "ss-tiles" }, ...tiles));
  };
  render();
})
