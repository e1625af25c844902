// Copies the citation of a statement. Without access to the clipboard, which needs https, it shows the text instead.
document.addEventListener("DOMContentLoaded", () => {
  const show = () => { for (const button of document.querySelectorAll("button[data-citation][hidden]")) button.hidden = false; };
  show();
  document.addEventListener("htmx:afterSettle", show);
});
document.addEventListener("click", async event => {
  const button = event.target instanceof Element ? event.target.closest("button[data-citation]") : null;
  if (!button) return;
  const shown = document.getElementById("copied");
  shown.textContent = "";
  let found = null;
  try {
    const answer = await fetch(button.dataset.citation, { headers: { Accept: "application/json" } });
    found = await answer.json();
  } catch { /* no connection */ }
  if (!found?.text) { shown.textContent = found?.detail ?? shown.dataset.failed; return; }
  const text = found.text.replace(found.link, new URL(found.link, location.href).href);
  try {
    await navigator.clipboard.writeText(text);
    shown.textContent = shown.dataset.done;
  } catch {
    shown.textContent = `${shown.dataset.instead} ${text}`;
  }
});
