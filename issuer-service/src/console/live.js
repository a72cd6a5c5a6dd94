"use strict";
// A page with progress follows its stream; without scripts the page loads itself anew. When the stream is gone the page says so.
for (const place of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(place.dataset.live);
  const stale = place.parentElement.querySelector("[data-stale]");
  let wait;
  const gone = () => { stale.hidden = false; };
  const there = () => { clearTimeout(wait); wait = undefined; stale.hidden = true; };
  source.addEventListener("open", there);
  source.addEventListener("progress", (event) => { there(); place.innerHTML = event.data; });
  source.addEventListener("end", () => { source.close(); location.reload(); });
  // Closed: nobody is in any more, or the server refuses. Else the browser asks again by itself, and soon has an answer.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) gone();
    else wait ??= setTimeout(gone, 4000);
  });
}
