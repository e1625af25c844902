// Copies the citation of a statement. The clipboard needs https: without it, the page shows the text instead.
document.addEventListener("DOMContentLoaded", () => {
  const showButtons = () => { for (const button of document.querySelectorAll("button[data-citation][hidden]")) button.hidden = false; };
  showButtons();
  document.addEventListener("htmx:afterSettle", showButtons);
});
document.addEventListener("click", async event => {
  const button = event.target instanceof Element ? event.target.closest("button[data-citation]") : null;
  if (!button) return;
  const status = document.getElementById("copied");
  status.textContent = "";
  let citation = null;
  try {
    const response = await fetch(button.dataset.citation, { headers: { Accept: "application/json" } });
    citation = await response.json();
  } catch { /* no connection */ }
  if (!citation?.text) { status.textContent = citation?.detail ?? status.dataset.failed; return; }
  const text = citation.text.replace(citation.link, new URL(citation.link, location.href).href);
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = status.dataset.done;
  } catch {
    status.textContent = `${status.dataset.instead} ${text}`;
  }
});
