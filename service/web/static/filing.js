// Saves the draft in this browser until it is filed, and shows the mistakes of a preview at their fields.
// The form works without this script: every button sends the whole form and gets it back.
(() => {
  "use strict";
  const prefix = "draft ";
  let soon = null;

  const form = () => document.getElementById("report");
  const passing = name => name === "made-for" || name === "reviewed" || name.startsWith("new-") || name.startsWith("type-of-");

  function draftAt(address) {
    try { return JSON.parse(localStorage.getItem(prefix + address)); } catch { return null; }
  }

  function drafts() {
    return Object.keys(localStorage).filter(name => name.startsWith(prefix))
      .map(name => ({ address: name.slice(prefix.length), ...draftAt(name.slice(prefix.length)) }))
      .filter(draft => draft.fields).sort((a, b) => (a.at < b.at ? 1 : -1));
  }

  const valueIn = (draft, name) => (draft.fields.find(([given]) => given === name) || ["", ""])[1];
  const moment = iso => new Date(iso).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });

  // Save the draft.

  function keep() {
    clearTimeout(soon);
    const fields = [...new FormData(form())].filter(([name]) => !passing(name));
    localStorage.setItem(prefix + form().dataset.draft, JSON.stringify({ at: new Date().toISOString(), fields }));
  }

  async function restore() {
    const draft = form() && "fresh" in form().dataset ? draftAt(form().dataset.draft) : null;
    if (!draft) return;
    const values = { "made-for": form().elements["made-for"].value };
    for (const [name, value] of draft.fields) (values[name] ||= []).push(value);
    await htmx.ajax("POST", form().getAttribute("action"), { values, target: "#report", swap: "outerHTML" });
    const shown = document.getElementById("kept");
    shown.querySelector("span").textContent = shown.dataset.restored.replace("{moment}", moment(draft.at));
    shown.hidden = false;
  }

  function discard(address) {
    localStorage.removeItem(prefix + address);
    location.reload();
  }

  function forget(key) {
    for (const draft of drafts()) if (valueIn(draft, "key") === key) localStorage.removeItem(prefix + draft.address);
  }

  function list(section) {
    for (const draft of drafts()) {
      const item = document.createElement("li"), link = document.createElement("a"), button = document.createElement("button");
      link.href = draft.address;
      link.textContent = valueIn(draft, "title") || section.dataset.untitled;
      button.className = "quiet";
      button.textContent = section.dataset.discard;
      button.addEventListener("click", () => discard(draft.address));
      item.append(link, ` ${moment(draft.at)} `, button);
      section.querySelector("ul").append(item);
      section.hidden = false;
    }
  }

  // Show mistakes at their fields, but not in a field that is first being filled in, nor for an empty field before it was sent.

  function place() {
    const found = new Map([...document.querySelectorAll("#preview [data-at]")].map(item => [item.dataset.at, item]));
    for (const shown of document.querySelectorAll("#report .mistake")) {
      const id = shown.id.replace(/-mistake$/, ""), item = found.get(id), field = document.getElementById(id);
      const early = item && !shown.textContent && ("unfilled" in item.dataset || field === document.activeElement);
      shown.textContent = item && !early ? item.querySelector("span").textContent : "";
      if (shown.textContent) field.setAttribute("aria-invalid", "true"); else field?.removeAttribute("aria-invalid");
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const filed = new URLSearchParams(location.search).get("filed");
    if (filed) forget(filed);
    const section = document.getElementById("drafts");
    if (section) list(section);
    document.getElementById("refused")?.focus();
    restore();
  });
  document.addEventListener("input", event => {
    if (!event.target.closest("#report")) return;
    clearTimeout(soon);
    soon = setTimeout(keep, 200);
  });
  document.addEventListener("click", event => {
    if (event.target.closest("#kept button")) discard(form().dataset.draft);
  });
  document.addEventListener("htmx:afterSwap", event => {
    if (event.detail.target.id === "preview") place();
  });
  document.addEventListener("htmx:afterRequest", event => {
    if (event.detail.successful && event.detail.elt.closest?.("button[name=do]")) keep();
  });
})();
