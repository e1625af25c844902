// Saves the draft in this browser until it is filed, and shows the mistakes of a preview at their fields.
// The form works without this script: every button sends the whole form and gets it back.
(() => {
  "use strict";
  const prefix = "draft ";
  const self = document.currentScript.src;
  let soon = null, asking = false, isReachable = false;

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
    const fields = [...new FormData(form())].filter(([name, value]) => typeof value === "string" && !passing(name));
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

  // Without the service, say so at the pressed button, and keep the draft and the form as they are.

  function sayUnreachable(near, status) {
    keep();
    const said = document.getElementById("unreachable");
    // A failed preview says it below the button that files, so that nothing moves while it is pressed.
    if (near.id !== "preview") (near.closest(".adding, .opens, .submit") || near).after(said);
    else if (said.hidden) form().querySelector(".submit").after(said);
    said.textContent = status ? said.dataset.failed.replace("{status}", status) : said.dataset.lost;
    said.hidden = false;
  }

  function hideUnreachable() {
    const said = document.getElementById("unreachable");
    if (said) said.hidden = true;
  }

  // The browser would replace the form with a page of its own. So ask first, with a request that changes nothing.
  async function fileIfReachable(button) {
    if (asking) return;
    asking = true;
    try {
      await fetch(self, { method: "HEAD", cache: "no-store" });
      hideUnreachable();
      isReachable = true;
      form().requestSubmit(button);
    } catch {
      sayUnreachable(button);
    } finally {
      asking = isReachable = false;
    }
  }

  // Show mistakes at their fields. Skip a field that the visitor is filling in, and empty fields before the form was sent.

  function place() {
    const found = new Map([...document.querySelectorAll("#preview [data-at]")].map(item => [item.dataset.at, item]));
    for (const shown of document.querySelectorAll("#report .mistake:not(.card .mistake, .picker .mistake)")) {
      const id = shown.id.replace(/-mistake$/, ""), item = found.get(id), field = document.getElementById(id);
      const early = item && !shown.textContent && ("unfilled" in item.dataset || field === document.activeElement);
      shown.textContent = item && !early ? item.querySelector("span").textContent : "";
      if (shown.textContent) field.setAttribute("aria-invalid", "true"); else field?.removeAttribute("aria-invalid");
    }
  }

  // Show on cards what the preview says of them, and the headline of each irritant after the report.

  function placeOnCards() {
    const said = (name, id) => [...document.querySelectorAll(`#preview [data-${name}="${CSS.escape(id)}"] span`)].map(found => found.textContent);
    for (const shown of document.querySelectorAll("#report .warned")) {
      shown.textContent = said("warns", shown.id.replace(/-warning$/, "")).join(" ");
    }
    // The card itself names its empty fields.
    for (const card of document.querySelectorAll("#report .card")) {
      card.querySelector(".mistake").textContent = said("wrong", card.id).join(" ");
    }
    for (const shown of document.querySelectorAll("#report .after")) {
      const effect = document.querySelector(`#preview [data-of="${CSS.escape(shown.dataset.about)}"] .sentence`);
      const before = shown.previousElementSibling.textContent;
      shown.textContent = effect && effect.textContent !== before ? shown.dataset.says.replace("{sentence}", effect.textContent) : "";
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
  document.addEventListener("submit", event => {
    if (event.target !== form() || isReachable) return;
    event.preventDefault();
    fileIfReachable(event.submitter);
  });
  for (const lost of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(lost, event => {
    if (form()?.contains(event.detail.elt)) sayUnreachable(event.detail.elt);
  });
  document.addEventListener("htmx:responseError", event => {
    if (form()?.contains(event.detail.elt)) sayUnreachable(event.detail.elt, event.detail.xhr.status);
  });
  document.addEventListener("htmx:afterSwap", event => {
    if (event.detail.target.id !== "preview") return;
    place();
    placeOnCards();
  });
  // Not after the swap: htmx moves the focus to the field that the new form names only when it settles.
  document.addEventListener("htmx:afterSettle", event => {
    if (event.detail.target.id !== "report" || !form()) return;
    keep();
    // The readout keeps its place and the focus. Only the column of the facts moves, so that the new one is seen.
    document.querySelector(".is-added")?.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("htmx:afterRequest", event => {
    if (event.detail.successful && form()?.contains(event.detail.elt)) hideUnreachable();
  });
})();
