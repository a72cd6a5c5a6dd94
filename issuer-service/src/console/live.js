"use strict";
// A page with progress follows its stream; without scripts the page loads itself anew.
for (const place of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(place.dataset.live);
  source.addEventListener("progress", (event) => { place.innerHTML = event.data; });
  source.addEventListener("end", () => { source.close(); location.reload(); });
}
