// Adds to readouts and cards: selected words as wording, dropped files, keys of the keyboard, and undo.
// The form works without this script: every button sends the whole form and gets it back.
(() => {
  "use strict";
  const earlierForms = [];
  let isUndoing = false;
  const form = () => document.getElementById("report");
  const isTextField = target => target.closest("input:not([type=radio]):not([type=file]), textarea, select");
  const clickById = id => document.getElementById(id)?.click();

  // Undo: the form as it was before each button.

  function formFields() {
    return [...new FormData(form())].filter(([name, value]) => typeof value === "string" && !name.startsWith("new-") && !name.startsWith("type-of-"));
  }

  function rememberForm(event) {
    if (isUndoing || !form()?.contains(event.detail.elt) || event.detail.pathInfo?.requestPath.endsWith("/file") === false) return;
    earlierForms.push(formFields());
    if (earlierForms.length > 50) earlierForms.shift();
  }

  async function undo() {
    const fields = earlierForms.pop();
    if (!fields) return;
    const values = {};
    for (const [name, value] of fields) (values[name] ||= []).push(value);
    isUndoing = true;
    await htmx.ajax("POST", form().getAttribute("action"), { values, target: "#report", swap: "outerHTML" });
    isUndoing = false;
    showUndoButton();
    form().dispatchEvent(new Event("input", { bubbles: true }));
  }

  function showUndoButton() {
    const button = document.getElementById("undo");
    if (button) button.hidden = earlierForms.length === 0;
  }

  // Paragraphs.

  function selectedText(paragraph) {
    const selection = getSelection();
    return selection.isCollapsed || !paragraph.contains(selection.anchorNode) ? "" : selection.toString();
  }

  function chooseParagraph(paragraph) {
    form().elements.words.value = selectedText(paragraph);
    paragraph.parentElement.querySelector("button").click();
  }

  function focusParagraph(button, by) {
    const buttons = [...document.querySelectorAll(".passage > button")];
    buttons[buttons.indexOf(button) + by]?.focus();
  }

  // Files.

  function readFiles(files) {
    const field = document.getElementById("readout-file");
    if (!field || !files.length) return;
    if (files !== field.files) field.files = files;
    clickById("read-readout");
  }

  const isFileDrop = event => event.dataTransfer?.types.includes("Files") && form() && document.getElementById("readout-file");

  document.addEventListener("DOMContentLoaded", () => document.getElementById("undo")?.addEventListener("click", undo));
  document.addEventListener("htmx:beforeRequest", rememberForm);
  document.addEventListener("htmx:afterSwap", showUndoButton);
  document.addEventListener("htmx:afterSettle", event => {
    if (event.detail.target.id === "report") document.querySelector(".picker-buttons")?.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("change", event => { if (event.target.id === "readout-file") readFiles(event.target.files); });
  document.addEventListener("dragover", event => { if (isFileDrop(event)) event.preventDefault(); });
  document.addEventListener("drop", event => {
    if (!isFileDrop(event)) return;
    event.preventDefault();
    readFiles(event.dataTransfer.files);
  });
  document.addEventListener("click", event => {
    const paragraph = event.target.closest(".passage-text");
    if (paragraph) chooseParagraph(paragraph);
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
      ArrowDown: paragraph && (() => focusParagraph(paragraph, 1)),
      ArrowUp: paragraph && (() => focusParagraph(paragraph, -1)),
      Escape: document.getElementById("picker") && (() => clickById("say-cancel")),
      Enter: enters && (() => clickById("say-add")),
    };
    const letters = {
      "?": () => { const keys = document.getElementById("keys"); keys.open = !keys.open; },
      u: undo,
      r: () => document.querySelector(".passage > button, #readout-pasted")?.focus(),
      t: () => document.getElementById("title").focus(),
      f: () => document.querySelector(".submit button").focus(),
    };
    const action = actions[event.key] || (singleKeys.on && !event.ctrlKey && !isTextField(event.target) && letters[event.key]);
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
