// Updates a page that shows the present when the record changes. Without it, pages show the time when they were loaded.
// The service ends its stream every minute, so a short pause is not a disconnection.
(() => {
  "use strict";
  const patience = 4000;
  let source = null, connected = false, late = null, soon = null, before = new Map();

  const page = () => document.querySelector("[data-live]");
  const isPresent = () => page() && !new URLSearchParams(location.search).has("as_of_position") && !new URLSearchParams(location.search).has("effective_on");

  function show() {
    const shown = document.getElementById("live");
    if (!shown) return;
    shown.textContent = !isPresent() ? "" : connected ? shown.dataset.on : shown.dataset.off;
    shown.dataset.state = connected ? "on" : "off";
  }

  function refresh() {
    clearTimeout(soon);
    soon = setTimeout(() => { if (isPresent()) htmx.trigger(document.body, "record"); }, 150);
  }

  function connect() {
    if (!page()) return;
    source = new EventSource(page().dataset.live);
    source.onopen = () => { clearTimeout(late); late = null; connected = true; show(); };
    source.onmessage = refresh;
    source.onerror = () => {
      late ??= setTimeout(() => { connected = false; show(); }, patience);
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { connect(); refresh(); }, 2 * patience);
    };
  }

  // Highlight changed rows for a moment.
  const rows = () => new Map([...document.querySelectorAll("tr[data-position]")].map(row => [row.id, row.dataset.position]));
  document.addEventListener("htmx:beforeSwap", () => { before = rows(); });
  document.addEventListener("htmx:afterSettle", () => {
    show();
    for (const [id, position] of rows())
      if (before.has(id) && before.get(id) !== position) document.getElementById(id).classList.add("changed");
  });
  // Saved links of earlier releases use bare ids of irritants and statements.
  function place() {
    const old = location.hash.slice(1).replace("/", "-");
    if (!old || document.getElementById(old)) return;
    const now = document.getElementById(`irritant-${old}`) ?? document.getElementById(`origin-${old}`);
    if (now) location.replace(`#${now.id}`);
  }

  document.addEventListener("DOMContentLoaded", () => { connect(); place(); });
})();
