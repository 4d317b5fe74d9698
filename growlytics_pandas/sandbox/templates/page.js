"use strict";
// Fetches what changes once a second and puts it in place, but never under a reader's selection or focus.
(() => {
  const live = document.getElementById("live");
  const state = document.getElementById("state");
  const pause = document.getElementById("pause");
  const address = new URL(location.href);
  address.searchParams.set("part", "live");
  let shown = "";

  const isPaused = () => pause.getAttribute("aria-pressed") === "true";
  const say = (text) => { if (state.textContent !== text) state.textContent = text; };
  const isSelecting = () => {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && live.contains(selection.anchorNode);
  };

  const show = (html) => {
    if (html === shown || isSelecting() || isPaused()) return;
    const held = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    live.innerHTML = shown = html;
    if (held !== null) live.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  };

  const look = async () => {
    if (!isPaused() && !document.hidden) {
      try {
        const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(5000) });
        if (!answer.ok) throw new Error(answer.statusText);
        show(await answer.text());
        say(isPaused() ? "Paused" : "Live");
      } catch {
        say("The sandbox does not answer; this is what it showed last");
      }
    }
    setTimeout(look, 1000);
  };

  pause.addEventListener("click", () => {
    pause.setAttribute("aria-pressed", String(!isPaused()));
    say(isPaused() ? "Paused" : "Live");
  });
  pause.hidden = false;
  say("Live");
  look();
})();
