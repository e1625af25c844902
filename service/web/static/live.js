// Updates a page that shows the present when the record changes. Without this script, a page stays as it was loaded.
// The service ends its stream of events every minute, so a short pause is not a disconnection.
(() => {
  "use strict";
  // Milliseconds.
  const disconnectedAfter = 4_000;
  const visitEndsAfter = 30 * 60_000;
  let source = null, isConnected = false, disconnection = null, refreshing = null, positionsBefore = new Map(), openDetails = [], entered = new Map(), focused = null;

  const livePart = () => document.querySelector("[data-live]");
  const isPresent = () => livePart() && !new URLSearchParams(location.search).has("as_of_position") && !new URLSearchParams(location.search).has("effective_on");

  function showConnection() {
    const status = document.getElementById("live");
    if (!status) return;
    status.textContent = !isPresent() ? "" : isConnected ? status.dataset.on : status.dataset.off;
    status.dataset.state = isConnected ? "on" : "off";
  }

  function refresh() {
    clearTimeout(refreshing);
    refreshing = setTimeout(() => { if (isPresent()) htmx.trigger(document.body, "record"); }, 150);
  }

  function connect() {
    if (!livePart()) return;
    source = new EventSource(livePart().dataset.live);
    source.onopen = () => { clearTimeout(disconnection); disconnection = null; isConnected = true; showConnection(); };
    source.onmessage = refresh;
    source.onerror = () => {
      disconnection ??= setTimeout(() => { isConnected = false; showConnection(); }, disconnectedAfter);
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { connect(); refresh(); }, 2 * disconnectedAfter);
    };
  }

  // The fields of the controls that a refresh replaces, and a name for each. The sliders show the point of the page.
  const fields = () => document.querySelectorAll("#now details[id] :is(input:not([type=range], [type=hidden]), select)");
  const fieldName = field => `${field.closest("details").id} ${field.name}`;
  const content = field => field.type === "checkbox" ? "checked" : "value";

  // Highlight changed rows for a moment, and keep open the controls that the visitor opened, with what is entered there.
  const positionsByRow = () => new Map([...document.querySelectorAll("tr[data-position]")].map(row => [row.id, row.dataset.position]));
  document.addEventListener("htmx:beforeSwap", event => {
    const isRefresh = event.detail.target.id === "now";
    entered = new Map(isRefresh ? [...fields()].map(field => [fieldName(field), field[content(field)]]) : []);
    focused = isRefresh && [...fields()].includes(document.activeElement) ? fieldName(document.activeElement) : null;
    positionsBefore = positionsByRow();
    openDetails = [...document.querySelectorAll("details.control[id]")].map(details => [details.id, details.open]);
  });
  document.addEventListener("htmx:afterSettle", () => {
    showConnection();
    linkToNews();
    for (const [id, open] of openDetails) document.getElementById(id)?.toggleAttribute("open", open);
    for (const field of fields()) {
      if (entered.has(fieldName(field))) field[content(field)] = entered.get(fieldName(field));
      // htmx cannot focus a field that is still folded.
      if (fieldName(field) === focused) field.focus({ preventScroll: true });
    }
    entered.clear();
    focused = null;
    for (const [id, position] of positionsByRow())
      if (positionsBefore.has(id) && positionsBefore.get(id) !== position) document.getElementById(id).classList.add("changed");
  });

  // Returns the last position of the record at the end of the last visit, or null on the first visit. The browser
  // remembers it. A visit ends after half an hour without the board and the page of changes.
  function lastVisit(record, head) {
    const name = `irritants visit ${record}`, now = Date.now();
    let visit = null;
    try { visit = JSON.parse(localStorage.getItem(name)); } catch { /* no storage */ }
    if (!visit) visit = { since: null };
    else if (now - visit.at > visitEndsAfter) visit.since = visit.seen;
    try { localStorage.setItem(name, JSON.stringify({ since: visit.since, seen: head, at: now })); } catch { /* no storage */ }
    return visit.since;
  }

  // On the board, says how many irritants have events since the last visit, with a link to them.
  function linkToNews() {
    const place = document.getElementById("new");
    if (!place) return;
    const { record, head, positions } = place.parentElement.dataset, since = lastVisit(record, Number(head));
    const count = since === null ? 0 : positions.split(" ").filter(position => Number(position) > since).length;
    place.replaceChildren();
    if (!count) return;
    const query = new URLSearchParams(location.search), link = document.createElement("a"), linked = new URLSearchParams();
    for (const name of ["relation", "sort"]) if (query.has(name)) linked.set(name, query.get(name));
    linked.set("changed_after", since);
    link.href = `?${linked}`;
    link.textContent = (count === 1 ? place.dataset.one : place.dataset.other).replace("#", count);
    if (query.get("changed_after") === String(since)) link.setAttribute("aria-current", "true");
    place.append(" · ", link);
  }

  // Saved links of earlier releases use ids of irritants and statements without a prefix.
  function followOldLink() {
    const oldId = location.hash.slice(1).replace("/", "-");
    if (!oldId || document.getElementById(oldId)) return;
    const target = document.getElementById(`irritant-${oldId}`) ?? document.getElementById(`origin-${oldId}`);
    if (target) location.replace(`#${target.id}`);
  }

  // On the page of changes, shows the link to the changes since the last visit.
  function linkToChanges() {
    const link = document.getElementById("since-visit");
    if (!link) return;
    const { record, position } = link.dataset, since = lastVisit(record, Number(position));
    if (since === null) return;
    const address = new URL(link.href);
    address.searchParams.set("since", `position:${since}`);
    link.href = address;
    link.hidden = false;
  }

  document.addEventListener("DOMContentLoaded", () => { connect(); followOldLink(); linkToNews(); linkToChanges(); });
})();
