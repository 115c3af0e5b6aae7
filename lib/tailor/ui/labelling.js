// One row to label or to answer, with a key for everything. All text is set as textContent: what stands in the data
// is never read as HTML. The kernel decides and saves; this only shows its state and tells what a person did.

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function render({ model, el }) {
  const box = element("div", "tailor-labelling tex2jax_ignore mathjax_ignore");
  box.tabIndex = 0;
  // JupyterLab's own shortcuts stay out of the card: x would cut the cell
  box.dataset.lmSuppressShortcuts = "true";
  el.append(box);

  const head = element("div", "head");
  const count = element("span", "count");
  const bar = element("div", "bar");
  const filled = element("div", "filled");
  bar.append(filled);
  const name = element("input", "name");
  name.placeholder = "your name";
  name.setAttribute("aria-label", "Your name");
  name.value = model.get("annotator");
  name.onchange = () => {
    model.set("annotator", name.value);
    model.save_changes();
    box.focus();
  };
  head.append(count, bar, name);

  const why = element("div", "why");
  const talk = element("div", "talk");
  const answers = element("div", "answers");
  const told = element("div", "told");
  told.setAttribute("role", "status");
  const foot = element("div", "foot");
  box.append(head, why, talk, answers, told, foot);

  const isClassify = model.get("task") === "classify";
  // keys typed before the answer to the last one is here would fall on a row nobody has read: they are left out
  let busy = false;
  const send = (what, value) => {
    if (busy) return;
    busy = true;
    model.send(value === undefined ? { do: what } : { do: what, value });
  };
  const keyOf = (place) => model.get("shortcuts")[place] ?? "";
  let finding = false;
  let find = "";
  let field = null;
  const optional = []; // hints on keys that do something only where the row has what they need

  function button(className, key, text, act) {
    const made = element("button", className);
    if (key) made.append(element("kbd", "", key));
    made.append(element("span", "", text));
    made.onclick = () => {
      act();
      box.focus();
    };
    return made;
  }

  function drawTalk(row) {
    talk.replaceChildren();
    for (const turn of row.before ?? []) {
      const said = element("div", `said ${turn.role === "assistant" ? "assistant" : "user"}`);
      said.append(element("b", "", turn.role), element("span", "", turn.content));
      talk.append(said);
    }
    talk.append(element("div", "text", row.text ?? ""));
    talk.scrollTop = talk.scrollHeight;
  }

  function found() {
    const wanted = find.toLowerCase();
    return model.get("labels").filter((label) => label.toLowerCase().includes(wanted));
  }

  function drawLabels(row) {
    answers.replaceChildren();
    const labels = found();
    if (finding) answers.append(element("div", "find", `Find: ${find}▏ Enter takes the first, Esc goes back.`));
    labels.forEach((label, place) => {
      const classes = ["label"];
      if (label === row.mine) classes.push("mine");
      if (label === row.given) classes.push("given");
      if (label === row.suggested) classes.push("suggested");
      const made = button(classes.join(" "), finding ? "" : keyOf(place), label, () => send("answer", label));
      if (label === row.given) made.append(element("i", "", "as given"));
      if (label === row.suggested) made.append(element("i", "", "suggested"));
      answers.append(made);
    });
    if (!labels.length) answers.append(element("div", "find", "no such label"));
  }

  function drawField(row) {
    answers.replaceChildren();
    field = element("textarea", "");
    field.value = row.mine || row.given || "";
    field.rows = Math.min(14, Math.max(4, Math.ceil(field.value.length / 90) + 1));
    field.placeholder = "Write the answer that the model should give.";
    field.setAttribute("aria-label", "The answer");
    const kept = element("div", "kept", row.mine ? "your answer" : row.given ? "the answer as given" : "no answer yet");
    field.oninput = () => (kept.textContent = "changed, not saved yet: Ctrl Enter saves it");
    answers.append(field, kept);
  }

  function draw() {
    busy = false;
    const row = model.get("row");
    const total = row.total ?? 0;
    count.textContent = total ? `${row.number + 1} of ${total} · ${row.done} saved` : "";
    box.classList.toggle("empty", !total);
    if (!total) {
      filled.style.width = "0";
      why.textContent = row.waiting
        ? "Type your name on the right and press Enter: the rows that matter most are then chosen, which takes a moment."
        : "There is no row to look at.";
      talk.replaceChildren();
      answers.replaceChildren();
      return;
    }
    filled.style.width = `${(100 * row.done) / total}%`;
    why.textContent = `${row.why} · ${row.row}${row.dropped ? " · you set it aside" : ""}`;
    for (const [hint, needs] of optional) hint.style.display = row[needs] ? "" : "none";
    finding = false;
    find = "";
    drawTalk(row);
    isClassify ? drawLabels(row) : drawField(row);
    box.classList.toggle("dropped", Boolean(row.dropped));
  }

  function drawFoot() {
    const keys = isClassify
      ? [["1 … ", "label"], ["Enter", "as given", "given"], ["Space", "suggested", "suggested"], ["/", "find a label"]]
      : [["e", "edit"], ["Ctrl Enter", "save"], ["Esc", "leave the text"], ["Enter", "take as shown"]];
    for (const [key, text, needs] of keys) {
      const hint = element("span", "hint");
      if (needs) optional.push([hint, needs]);
      hint.append(element("kbd", "", key), element("span", "", text));
      foot.append(hint);
    }
    foot.append(
      button("act", "←", "back", () => send("back")),
      button("act", "→", "next", () => send("next")),
      button("act", "x", "set aside", () => send("drop")),
      button("act", "u", "undo", () => send("undo")),
    );
    if (!isClassify) foot.append(button("act save", "", "Save", () => send("answer", field.value)));
  }

  function onFind(event) {
    const first = found()[0];
    finding = event.key !== "Escape" && event.key !== "Enter";
    if (!finding) find = "";
    else if (event.key === "Backspace") find = find.slice(0, -1);
    else if (event.key.length === 1) find += event.key;
    if (event.key === "Enter" && first !== undefined) send("answer", first);
    else drawLabels(model.get("row"));
  }

  function onKey(event) {
    if (event.target === name) {
      event.stopPropagation();
      return;
    }
    if (event.target === field) {
      event.stopPropagation();
      if (event.key === "Escape") box.focus();
      else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        send("answer", field.value);
        box.focus();
      } else return;
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !model.get("row").total) return;
    if (busy) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const row = model.get("row");
    const label = isClassify ? model.get("labels")[model.get("shortcuts").indexOf(event.key)] : undefined;
    if (finding) onFind(event);
    else if (event.key === "ArrowRight") send("next");
    else if (event.key === "ArrowLeft") send("back");
    else if (event.key === "u") send("undo");
    else if (event.key === "x") send("drop");
    else if (event.key === "Enter") send("answer", isClassify ? row.given : field.value);
    else if (event.key === " " && isClassify && row.suggested) send("answer", row.suggested);
    else if (event.key === "/" && isClassify) {
      finding = true;
      drawLabels(row);
    } else if (event.key === "e" && !isClassify) field.focus();
    else if (label !== undefined) send("answer", label);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  box.addEventListener("keydown", onKey);
  const tell = () => {
    told.textContent = model.get("told");
  };
  model.on("change:row", draw);
  model.on("change:told", tell);
  model.on("change:annotator", () => (name.value = model.get("annotator")));
  drawFoot();
  draw();
  tell();
  return () => model.off("change:row", draw);
}

export default { render };
