// One page of a table. All text is set as textContent: what stands in the data is never read as HTML.

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function render({ model, el }) {
  const box = element("div", "tailor-table tex2jax_ignore mathjax_ignore");
  const table = element("table", "");
  const scroll = element("div", "scroll");
  const foot = element("div", "foot");
  scroll.append(table);
  box.append(scroll, foot);
  el.append(box);

  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };

  function drawHead() {
    const row = element("tr", "");
    const all = element("input", "");
    all.type = "checkbox";
    all.title = "Select every row of this page";
    const here = model.get("rows").map((line) => line[0]);
    const selected = new Set(model.get("selected"));
    all.checked = here.length > 0 && here.every((id) => selected.has(id));
    all.onchange = () => {
      for (const id of here) all.checked ? selected.add(id) : selected.delete(id);
      set("selected", [...selected]);
    };
    const corner = element("th", "tick");
    corner.append(all);
    row.append(corner);
    const [sorted, down] = model.get("sort");
    for (const name of model.get("columns")) {
      const sign = name === sorted ? (down ? " ▼" : " ▲") : "";
      const cell = element("th", "", name + sign);
      cell.title = `Sort by ${name}`;
      cell.onclick = () => set("sort", name !== sorted ? [name, false] : down ? ["", false] : [name, true]);
      row.append(cell);
    }
    const head = element("thead", "");
    head.append(row);
    return head;
  }

  // a column with long texts must not be squeezed to a word a line by its many short neighbours
  function widthOf(place) {
    const longest = Math.max(0, ...model.get("rows").map((line) => (line[place]?.part ?? line[place] ?? "").length));
    return longest > 60 ? "long" : longest > 24 ? "middle" : "short";
  }

  function drawRow(line, widths) {
    const id = line[0];
    const selected = new Set(model.get("selected"));
    const row = element("tr", selected.has(id) ? "selected" : "");
    const tick = element("input", "");
    tick.type = "checkbox";
    tick.checked = selected.has(id);
    tick.setAttribute("aria-label", `Select row ${id}`);
    tick.onchange = () => {
      tick.checked ? selected.add(id) : selected.delete(id);
      set("selected", [...selected]);
    };
    const corner = element("td", "tick");
    corner.append(tick);
    row.append(corner);
    model.get("columns").forEach((name, place) => {
      const value = line[place];
      const empty = value === null;
      const part = !empty && typeof value === "object"; // too long, or with characters that cannot be shown
      const cell = element("td", place === 0 ? "id" : empty ? "empty" : widths[place]);
      const text = element("div", "text", empty ? "empty" : part ? value.part : value);
      cell.append(text);
      if (place > 0) {
        text.onclick = () => text.classList.toggle("open");
        if (model.get("editable") && !part) {
          cell.title = "Double-click to edit";
          cell.ondblclick = () => edit(cell, id, name, value);
        }
      }
      row.append(cell);
    });
    return row;
  }

  function edit(cell, id, column, value) {
    if (cell.querySelector("textarea")) return;
    const area = element("textarea", "");
    area.value = value ?? "";
    area.rows = Math.min(12, Math.max(2, area.value.split("\n").length + 1));
    cell.replaceChildren(area);
    area.focus();
    let left = false;
    const leave = (save) => {
      if (left) return;
      left = true;
      if (save && area.value !== (value ?? "")) model.send({ row_id: id, column, value: area.value });
      else draw();
    };
    area.onblur = () => leave(true);
    area.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") leave(false);
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        leave(true);
      }
    };
  }

  function button(text, title, to, last) {
    const made = element("button", "", text);
    made.title = title;
    made.disabled = to < 0 || to > last || to === model.get("page");
    made.onclick = () => set("page", to);
    return made;
  }

  function drawFoot() {
    const [total, size, page] = [model.get("total"), model.get("size"), model.get("page")];
    const last = Math.max(0, Math.ceil(total / size) - 1);
    const start = total ? page * size + 1 : 0;
    const count = (n) => n.toLocaleString("en");
    const told = `rows ${count(start)} to ${count(Math.min(total, (page + 1) * size))} of ${count(total)}`;
    const picked = model.get("selected").length;
    const sizes = element("select", "");
    sizes.title = "Rows a page";
    for (const n of [10, 25, 50, 100]) {
      const option = element("option", "", `${n} a page`);
      option.value = n;
      option.selected = n === size;
      sizes.append(option);
    }
    sizes.onchange = () => set("size", Number(sizes.value));
    foot.replaceChildren(
      button("«", "First page", 0, last),
      button("‹", "Page before", page - 1, last),
      button("›", "Next page", page + 1, last),
      button("»", "Last page", last, last),
      element("span", "", told),
      sizes,
      element("span", "picked", picked ? `${count(picked)} selected` : ""),
    );
    if (picked) {
      const none = element("button", "", "select none");
      none.onclick = () => set("selected", []);
      foot.append(none);
    }
  }

  function draw() {
    const body = element("tbody", "");
    const widths = model.get("columns").map((_, place) => widthOf(place));
    body.append(...model.get("rows").map((line) => drawRow(line, widths)));
    table.replaceChildren(drawHead(), body);
    drawFoot();
  }

  // JupyterLab's own short-cuts must not take keys and clicks meant for the table
  box.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const name of ["rows", "columns", "selected", "total", "editable"]) model.on(`change:${name}`, draw);
  draw();
}

export default { render };
