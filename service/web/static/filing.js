// Saves the draft in this browser until it is filed, and shows the mistakes of a preview at their fields.
// The form works without this script: every button sends the whole form and gets it back.
(() => {
  "use strict";
  const draftPrefix = "draft ";
  const scriptAddress = document.currentScript.src;
  let saveTimer = null, isAsking = false, isReachable = false;
  // While a request runs that replaces the form: its fields as they were sent, and the buttons pressed since.
  let sent = null, pressed = [], written = [];

  const form = () => document.getElementById("report");
  const isNotSaved = name => name === "made-for" || name === "reviewed" || name.startsWith("new-") || name.startsWith("type-of-");

  function draftAt(address) {
    try { return JSON.parse(localStorage.getItem(draftPrefix + address)); } catch { return null; }
  }

  function drafts() {
    return Object.keys(localStorage).filter(name => name.startsWith(draftPrefix))
      .map(name => ({ address: name.slice(draftPrefix.length), ...draftAt(name.slice(draftPrefix.length)) }))
      .filter(draft => draft.fields).sort((a, b) => (a.at < b.at ? 1 : -1));
  }

  const fieldOf = (draft, name) => (draft.fields.find(([field]) => field === name) || ["", ""])[1];
  const moment = iso => new Date(iso).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });

  // Save the draft.

  function saveDraft() {
    clearTimeout(saveTimer);
    const fields = [...new FormData(form())].filter(([name, value]) => typeof value === "string" && !isNotSaved(name));
    localStorage.setItem(draftPrefix + form().dataset.draft, JSON.stringify({ at: new Date().toISOString(), fields }));
  }

  async function restoreDraft() {
    const draft = form() && "fresh" in form().dataset ? draftAt(form().dataset.draft) : null;
    if (!draft) return;
    const values = { "made-for": form().elements["made-for"].value };
    for (const [name, value] of draft.fields) (values[name] ||= []).push(value);
    await htmx.ajax("POST", form().getAttribute("action"), { values, target: "#report", swap: "outerHTML" });
    const notice = document.getElementById("kept");
    notice.querySelector("span").textContent = notice.dataset.restored.replace("{moment}", moment(draft.at));
    notice.hidden = false;
  }

  function discardDraft(address) {
    localStorage.removeItem(draftPrefix + address);
    location.reload();
  }

  function discardFiledDraft(key) {
    for (const draft of drafts()) if (fieldOf(draft, "key") === key) localStorage.removeItem(draftPrefix + draft.address);
  }

  function listDrafts(section) {
    for (const draft of drafts()) {
      const item = document.createElement("li"), link = document.createElement("a"), button = document.createElement("button");
      link.href = draft.address;
      link.textContent = fieldOf(draft, "title") || section.dataset.untitled;
      button.className = "quiet";
      button.textContent = section.dataset.discard;
      button.addEventListener("click", () => discardDraft(draft.address));
      item.append(link, ` ${moment(draft.at)} `, button);
      section.querySelector("ul").append(item);
      section.hidden = false;
    }
  }

  // Without the service, say so at the pressed button, and keep the draft and the form as they are.

  function showUnreachable(near, status) {
    saveDraft();
    const notice = document.getElementById("unreachable");
    // A failed preview says it below the button that files, so that nothing moves while it is pressed.
    if (near.id !== "preview") (near.closest(".adding, .opens, .submit") || near).after(notice);
    else if (notice.hidden) form().querySelector(".submit").after(notice);
    notice.textContent = status ? notice.dataset.failed.replace("{status}", status) : notice.dataset.lost;
    notice.hidden = false;
  }

  function hideUnreachable() {
    const notice = document.getElementById("unreachable");
    if (notice) notice.hidden = true;
  }

  // The browser would replace the form with a page of its own. So ask first, with a request that changes nothing.
  async function fileIfReachable(button) {
    if (isAsking) return;
    isAsking = true;
    try {
      await fetch(scriptAddress, { method: "HEAD", cache: "no-store" });
      hideUnreachable();
      isReachable = true;
      form().requestSubmit(button);
    } catch {
      showUnreachable(button);
    } finally {
      isAsking = isReachable = false;
    }
  }

  // A button that is pressed while the form is being replaced is pressed on the new form. Otherwise both requests would
  // send the form as it was before, and the later answer would drop what the earlier one added. What is written
  // meanwhile is put into the new form, too.

  const fieldsOf = () => [...form().elements].filter(field => field.name && field.type !== "file" && field.tagName !== "BUTTON");
  const valueOf = field => (field.type === "checkbox" || field.type === "radio" ? String(field.checked) : field.value);
  const placeOf = field => `${field.name}\n${field.type === "radio" || field.type === "checkbox" ? field.value : ""}`;
  const valuesNow = () => new Map(fieldsOf().map(field => [placeOf(field), valueOf(field)]));
  const writtenSince = () => [...valuesNow()].filter(([place, value]) => sent.has(place) && sent.get(place) !== value);

  function write(values) {
    const found = new Map(fieldsOf().map(field => [placeOf(field), field]));
    for (const [place, value] of values) {
      const field = found.get(place);
      if (!field) continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = value === "true";
      else field.value = value;
    }
  }

  function pressLater(button) {
    const choices = (button.closest(".pair") ?? button.closest(".adding"))?.querySelectorAll("select") ?? [];
    pressed.push({ value: button.value, id: button.id, chosen: [...choices].map(choice => [placeOf(choice), choice.value]) });
  }

  function pressNext() {
    const next = pressed.shift();
    if (!next || !form()) return;
    write(next.chosen);
    const buttons = [...form().querySelectorAll("button[name=do]")];
    (buttons.find(button => button.value === next.value && button.id === next.id) ?? buttons.find(button => button.value === next.value))?.click();
    if (!sent) pressNext();
  }

  function endOfRequest() {
    sent = null;
    pressed = [];
  }

  // Show mistakes at their fields. Skip a field that the visitor is filling in, and empty fields before the form is sent.

  function showMistakes() {
    const found = new Map([...document.querySelectorAll("#preview [data-at]")].map(item => [item.dataset.at, item]));
    for (const mistake of document.querySelectorAll("#report .mistake:not(.card .mistake, .picker .mistake)")) {
      const id = mistake.id.replace(/-mistake$/, ""), item = found.get(id), field = document.getElementById(id);
      const isEarly = item && !mistake.textContent && ("unfilled" in item.dataset || field === document.activeElement);
      mistake.textContent = item && !isEarly ? item.querySelector("span").textContent : "";
      if (mistake.textContent) field.setAttribute("aria-invalid", "true"); else field?.removeAttribute("aria-invalid");
    }
  }

  // Show on cards the warnings and mistakes of the preview, and the headline of each irritant after the report.

  function showOnCards() {
    const previewTexts = (name, id) => [...document.querySelectorAll(`#preview [data-${name}="${CSS.escape(id)}"] span`)].map(found => found.textContent);
    for (const warning of document.querySelectorAll("#report .warned")) {
      warning.textContent = previewTexts("warns", warning.id.replace(/-warning$/, "")).join(" ");
    }
    // The card itself names its empty fields.
    for (const card of document.querySelectorAll("#report .card")) {
      card.querySelector(".mistake").textContent = previewTexts("wrong", card.id).join(" ");
    }
    for (const headline of document.querySelectorAll("#report .after")) {
      const effect = document.querySelector(`#preview [data-of="${CSS.escape(headline.dataset.about)}"] .sentence`);
      const before = headline.previousElementSibling.textContent;
      headline.textContent = effect && effect.textContent !== before ? headline.dataset.says.replace("{sentence}", effect.textContent) : "";
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const filed = new URLSearchParams(location.search).get("filed");
    if (filed) discardFiledDraft(filed);
    const section = document.getElementById("drafts");
    if (section) listDrafts(section);
    document.getElementById("refused")?.focus();
    restoreDraft();
  });
  document.addEventListener("input", event => {
    if (!event.target.closest("#report")) return;
    clearTimeout(saveTimer);
    saveTimer = setTimeout(saveDraft, 200);
  });
  document.addEventListener("click", event => {
    if (event.target.closest("#kept button")) discardDraft(form().dataset.draft);
  });
  document.addEventListener("click", event => {
    const button = event.target instanceof Element ? event.target.closest("#report button[name=do]") : null;
    if (!button || !sent) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    pressLater(button);
  }, true);
  document.addEventListener("htmx:beforeRequest", event => {
    if (event.detail.target.id === "report" && form()) sent = valuesNow();
  });
  document.addEventListener("htmx:beforeSwap", event => {
    if (event.detail.target.id === "report" && sent && form()) written = writtenSince();
  });
  document.addEventListener("submit", event => {
    if (event.target !== form() || isReachable) return;
    event.preventDefault();
    fileIfReachable(event.submitter);
  });
  for (const lost of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(lost, event => {
    if (form()?.contains(event.detail.elt)) showUnreachable(event.detail.elt);
  });
  document.addEventListener("htmx:responseError", event => {
    if (form()?.contains(event.detail.elt)) showUnreachable(event.detail.elt, event.detail.xhr.status);
  });
  for (const failed of ["htmx:swapError", "htmx:onLoadError"]) document.addEventListener(failed, endOfRequest);
  document.addEventListener("htmx:afterSwap", event => {
    if (event.detail.target.id === "report" && form()) {
      write(written);
      written = [];
    }
    if (event.detail.target.id !== "preview") return;
    showMistakes();
    showOnCards();
  });
  // Not after the swap: htmx moves the focus to the field that the new form names only when it settles.
  document.addEventListener("htmx:afterSettle", event => {
    if (event.detail.target.id !== "report" || !form()) return;
    sent = null;
    saveDraft();
    pressNext();
    // The readout keeps its place and the focus. Only the column of the facts moves, so that the new one is seen.
    document.querySelector(".is-added")?.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("htmx:afterRequest", event => {
    if (!event.detail.successful && event.detail.target?.id === "report") endOfRequest();
    if (event.detail.successful && form()?.contains(event.detail.elt)) hideUnreachable();
  });
})();
