// Helps with readouts and cards: words that are selected, files that are dropped, keys, and undo.
// The form works without this script: every button sends the whole form and gets it back.
(() => {
  "use strict";
  const steps = [];
  let undoing = false;
  const form = () => document.getElementById("report");
  const writing = target => target.closest("input:not([type=radio]):not([type=file]), textarea, select");
  const press = id => document.getElementById(id)?.click();

  // Undo: the form as it was before each button.

  function snapshot() {
    return [...new FormData(form())].filter(([name, value]) => typeof value === "string" && !name.startsWith("new-") && !name.startsWith("type-of-"));
  }

  function remember(event) {
    if (undoing || !form()?.contains(event.detail.elt) || event.detail.pathInfo?.requestPath.endsWith("/file") === false) return;
    steps.push(snapshot());
    if (steps.length > 50) steps.shift();
  }

  async function undo() {
    const fields = steps.pop();
    if (!fields) return;
    const values = {};
    for (const [name, value] of fields) (values[name] ||= []).push(value);
    undoing = true;
    await htmx.ajax("POST", form().getAttribute("action"), { values, target: "#report", swap: "outerHTML" });
    undoing = false;
    show();
    form().dispatchEvent(new Event("input", { bubbles: true }));
  }

  function show() {
    const button = document.getElementById("undo");
    if (button) button.hidden = steps.length === 0;
  }

  // Paragraphs.

  function selected(paragraph) {
    const selection = getSelection();
    return selection.isCollapsed || !paragraph.contains(selection.anchorNode) ? "" : selection.toString();
  }

  function point(paragraph) {
    form().elements.words.value = selected(paragraph);
    paragraph.parentElement.querySelector("button").click();
  }

  function step(button, by) {
    const buttons = [...document.querySelectorAll(".passage > button")];
    buttons[buttons.indexOf(button) + by]?.focus();
  }

  // Files.

  function take(files) {
    const field = document.getElementById("readout-file");
    if (!field || !files.length) return;
    if (files !== field.files) field.files = files;
    press("read-readout");
  }

  const dropping = event => event.dataTransfer?.types.includes("Files") && form() && document.getElementById("readout-file");

  document.addEventListener("DOMContentLoaded", () => document.getElementById("undo")?.addEventListener("click", undo));
  document.addEventListener("htmx:beforeRequest", remember);
  document.addEventListener("htmx:afterSwap", show);
  document.addEventListener("htmx:afterSettle", event => {
    if (event.detail.target.id === "report") document.querySelector(".picker-buttons")?.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("change", event => { if (event.target.id === "readout-file") take(event.target.files); });
  document.addEventListener("dragover", event => { if (dropping(event)) event.preventDefault(); });
  document.addEventListener("drop", event => {
    if (!dropping(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  document.addEventListener("click", event => {
    const paragraph = event.target.closest(".passage-text");
    if (paragraph) point(paragraph);
  });
  document.addEventListener("input", event => {
    const entry = event.target.closest("fieldset.entry");
    if (entry && form()?.contains(entry)) form().elements.edited.value = entry.id.slice(1);
  });
  document.addEventListener("keydown", event => {
    if (event.altKey || event.metaKey || !form()) return;
    const picker = event.target.closest(".picker"), paragraph = event.target.closest(".passage > button");
    const enters = event.key === "Enter" && picker && (event.ctrlKey || event.target.matches("input"));
    const actions = {
      ArrowDown: paragraph && (() => step(paragraph, 1)),
      ArrowUp: paragraph && (() => step(paragraph, -1)),
      Escape: document.getElementById("picker") && (() => press("say-cancel")),
      Enter: enters && (() => press("say-add")),
    };
    const letters = {
      "?": () => { const keys = document.getElementById("keys"); keys.open = !keys.open; },
      u: undo,
      r: () => document.querySelector(".passage > button, #readout-pasted")?.focus(),
      t: () => document.getElementById("title").focus(),
      f: () => document.querySelector(".submit button").focus(),
    };
    const action = actions[event.key] || (singleKeys.on && !event.ctrlKey && !writing(event.target) && letters[event.key]);
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
