// The page of the kiosk: shows what it is told, says what is touched, keeps nothing.
(() => {
  "use strict";
  const stage = document.getElementById("stage");
  let socket;
  let screen = "0";

  const say = (act) => {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(`${screen} ${act}`);
  };

  const buttons = () => [...stage.querySelectorAll("button[data-act]:not([disabled])")];

  const show = (number, html) => {
    const held = document.activeElement && stage.contains(document.activeElement) && number === screen
      ? document.activeElement.dataset.act : undefined;
    screen = number;
    stage.innerHTML = html;
    if (held) buttons().find((button) => button.dataset.act === held)?.focus();
  };

  const seconds = (left, late) => {
    for (const place of stage.querySelectorAll("[data-left]")) {
      place.textContent = left;
      place.closest("footer")?.classList.toggle("late", late === "1");
    }
  };

  const beep = () => {
    try {
      const sound = new AudioContext();
      for (const at of [0, 0.35, 0.7]) {
        const tone = sound.createOscillator();
        tone.frequency.value = 880;
        tone.connect(sound.destination);
        tone.start(sound.currentTime + at);
        tone.stop(sound.currentTime + at + 0.2);
      }
      setTimeout(() => sound.close(), 1500);
    } catch { /* A kiosk without sound shows the alarm. */ }
  };

  // S NUMBER newline HTML: a screen. T SECONDS LATE: time left. A: the alarm.
  const hear = ({ data }) => {
    if (data[0] === "S") {
      const end = data.indexOf("\n");
      show(data.slice(2, end), data.slice(end + 1));
    } else if (data[0] === "T") {
      seconds(...data.slice(2).split(" "));
    } else if (data[0] === "A") {
      beep();
    }
  };

  const lost = () => {
    screen = "0";
    stage.replaceChildren(document.getElementById("lost").content.cloneNode(true));
    setTimeout(async () => {
      try {
        if ((await fetch("/", { cache: "no-store" })).ok) return location.reload();
      } catch { /* Not yet. */ }
      lost();
    }, 1000);
  };

  const open = () => {
    socket = new WebSocket(`ws://${location.host}/screen?${PAGE}`);
    socket.onmessage = hear;
    socket.onclose = lost;
  };

  // Touches and a mouse count when they begin: the screen may be shown anew before they end. Clicks are those of aids.
  const meant = (event) => {
    const button = event.target.closest("button[data-act]:not([disabled])");
    if (button) say(button.dataset.act);
  };
  stage.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    if (event.isPrimary && event.button === 0) meant(event);
  });
  stage.addEventListener("click", (event) => {
    if (event.detail === 0) meant(event);
  });

  // A keyboard: digits, arrows, Enter, Escape, Backspace. Nothing else does anything, and nothing leaves the page.
  const middle = (element) => {
    const box = element.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const move = (key) => {
    const all = buttons();
    const from = stage.contains(document.activeElement) ? document.activeElement : undefined;
    if (!from) return (all.find((button) => button.closest("main")) ?? all[0])?.focus();
    const [x, y] = middle(from);
    const sideways = key === "ArrowLeft" || key === "ArrowRight";
    const sign = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
    let best, least = Infinity;
    for (const button of all) {
      const [bx, by] = middle(button);
      const along = sign * (sideways ? bx - x : by - y);
      const across = Math.abs(sideways ? by - y : bx - x);
      if (button === from || along < 4) continue;
      const far = along + 2 * across;
      if (far < least) [best, least] = [button, far];
    }
    best?.focus();
  };
  const step = (back) => {
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    all[(at + (back ? all.length - 1 : 1) + (at < 0 && back ? 1 : 0)) % all.length]?.focus();
  };
  addEventListener("keydown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key;
    if (key === "Tab") return step(event.shiftKey);
    if (key.startsWith("Arrow")) return move(key);
    if (event.repeat) return;
    const held = stage.contains(document.activeElement) ? document.activeElement : undefined;
    if ((key === "Enter" || key === " ") && held?.dataset?.act) return say(held.dataset.act);
    const named = buttons().find((button) => button.dataset.key === key);
    if (named) say(named.dataset.act);
  }, true);
  for (const kind of ["keyup", "keypress", "mousedown", "contextmenu", "dragstart", "dragover", "drop", "selectstart", "copy", "cut", "paste", "auxclick", "dblclick"]) {
    addEventListener(kind, (event) => event.preventDefault(), true);
  }
  for (const kind of ["wheel", "touchmove", "gesturestart"]) {
    addEventListener(kind, (event) => event.preventDefault(), { capture: true, passive: false });
  }

  open();
})();
