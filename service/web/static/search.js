// Puts the cursor into the search box of the page when / is pressed outside of fields, or Ctrl-K anywhere.
// Keys of one character can be turned off for this browser, because speech input can press them by accident.
const singleKeys = {
  name: "irritants single keys",
  get on() { try { return localStorage.getItem(this.name) !== "off"; } catch { return true; } },
  set on(isOn) { try { localStorage.setItem(this.name, isOn ? "on" : "off"); } catch { /* no storage */ } },
};
document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll("input[data-single-keys]")) {
    box.checked = singleKeys.on;
    box.closest("[hidden]")?.removeAttribute("hidden");
    box.addEventListener("change", () => { singleKeys.on = box.checked; });
  }
});
document.addEventListener("keydown", event => {
  const target = event.target instanceof Element ? event.target : document.body;
  const isField = target.closest("input, textarea, select, [contenteditable]");
  const isSlash = singleKeys.on && event.key === "/" && !isField && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  const box = document.querySelector("input[type=search]");
  if (!box || !(isSlash || isK)) return;
  event.preventDefault();
  box.focus();
  box.select();
});
