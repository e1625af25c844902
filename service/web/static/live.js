// Updates a page that shows the present when the record changes. Without it, pages show the time when they were loaded.
// The service ends its stream every minute, so a short pause is not a disconnection.
(() => {
  "use strict";
  const patience = 4000;
  const pause = 30 * 60_000;
  let source = null, connected = false, late = null, soon = null, before = new Map(), unfolded = [];

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
  document.addEventListener("htmx:beforeSwap", () => {
    before = rows();
    unfolded = [...document.querySelectorAll("details.control[id]")].map(one => [one.id, one.open]);
  });
  document.addEventListener("htmx:afterSettle", () => {
    show();
    news();
    for (const [id, open] of unfolded) document.getElementById(id)?.toggleAttribute("open", open);
    for (const [id, position] of rows())
      if (before.has(id) && before.get(id) !== position) document.getElementById(id).classList.add("changed");
  });

  // The board says how many irritants have events since the last visit, and the page of changes links to them. The
  // browser remembers the end of the record. A visit ends after half an hour without one of these two pages.
  function lastVisit(record, head) {
    const name = `irritants visit ${record}`, now = Date.now();
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(name)); } catch { /* not remembered */ }
    if (!kept) kept = { since: null };
    else if (now - kept.at > pause) kept.since = kept.seen;
    try { localStorage.setItem(name, JSON.stringify({ since: kept.since, seen: head, at: now })); } catch { /* not remembered */ }
    return kept.since;
  }

  function news() {
    const place = document.getElementById("new");
    if (!place) return;
    const { record, head, positions } = place.parentElement.dataset, since = lastVisit(record, Number(head));
    const count = since === null ? 0 : positions.split(" ").filter(position => Number(position) > since).length;
    place.replaceChildren();
    if (!count) return;
    const now = new URLSearchParams(location.search), link = document.createElement("a"), wanted = new URLSearchParams();
    for (const name of ["relation", "sort"]) if (now.has(name)) wanted.set(name, now.get(name));
    wanted.set("changed_after", since);
    link.href = `?${wanted}`;
    link.textContent = (count === 1 ? place.dataset.one : place.dataset.other).replace("#", count);
    if (now.get("changed_after") === String(since)) link.setAttribute("aria-current", "true");
    place.append(" · ", link);
  }

  // Saved links of earlier releases use bare ids of irritants and statements.
  function place() {
    const old = location.hash.slice(1).replace("/", "-");
    if (!old || document.getElementById(old)) return;
    const now = document.getElementById(`irritant-${old}`) ?? document.getElementById(`origin-${old}`);
    if (now) location.replace(`#${now.id}`);
  }

  // Links to the changes since the last visit.
  function visited() {
    const link = document.getElementById("since-visit");
    if (!link) return;
    const { record, position } = link.dataset, since = lastVisit(record, Number(position));
    if (since === null) return;
    const address = new URL(link.href);
    address.searchParams.set("since", `position:${since}`);
    link.href = address;
    link.hidden = false;
  }

  document.addEventListener("DOMContentLoaded", () => { connect(); place(); news(); visited(); });
})();
