// Live updates by server-sent events, and what is said while there are none. What was shown last stays.

import { setStatus } from "./common.js";

const clock = (time) => new Date(time).toLocaleTimeString();

// `onState(content)` gets each new state.
export function follow(address, onState) {
  let lostAt = null;   // when the server was lost
  let source = null;

  function live() {
    lostAt = null;
    setStatus("live", "good");
  }

  function open() {
    if (source) source.close();
    source = new EventSource(address);
    source.addEventListener("state", (event) => {
      live();
      onState(JSON.parse(event.data));
    });
    source.addEventListener("trouble", (event) => {
      const { since, message } = JSON.parse(event.data);
      setStatus(`the state store is away since ${clock(since * 1000)}; this is what was there before`, "bad");
      document.getElementById("status").title = message;
    });
    source.addEventListener("gone", () => {
      source.close();
      setStatus("this run is not kept any more; this is what was there before", "bad");
    });
    source.onerror = () => {
      lostAt ??= Date.now();
      setStatus(`no connection since ${clock(lostAt)}; this is what was there before`, "bad");
      // A browser gives up where the answer was an error, as of a proxy whose server is away.
      if (source.readyState === EventSource.CLOSED && !document.hidden) setTimeout(open, 2000);
    };
  }

  setStatus("connecting …", "");
  open();
  // A browser has few connections to a server, for all its tabs together: one that is not seen needs none.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) open();
    else source.close();
  });
}

// The page of this address as the server has it now; null when it cannot be had.
export async function freshPage() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    return null;  // the stream says that the server is away
  }
}

// Put a part of a fresh page in the place of what is shown, and the focus where it was.
export function takeOver(fresh, id) {
  const old = document.getElementById(id);
  const part = fresh && fresh.getElementById(id);
  if (!old || !part || old.innerHTML === part.innerHTML) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  old.replaceChildren(...document.importNode(part, true).childNodes);
  showLocalTimes(old);
  if (focused) [...old.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
}

export function showLocalTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const today = moment.toDateString() === new Date().toDateString();
    time.title = moment.toLocaleString();
    time.textContent = today ? moment.toLocaleTimeString() : moment.toLocaleString();
  }
}
