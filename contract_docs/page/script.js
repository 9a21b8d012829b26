// Search, copy buttons and the place in the contents. All else works without it; it writes text, never markup.
"use strict";

const FOUND_MAX = 40; // more than anybody reads: a longer query finds what is meant

const make = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

const textOf = (element) => (element ? element.textContent.trim().replace(/\s+/g, " ") : "");

/* What can be found: each topic, message, field, code and so on, with its name, its kind and what is said of it. */
const entries = () => {
  const places = document.querySelectorAll("[data-find][id], dl[data-find] > [id]");
  return [...places].map((place) => {
    const topic = place.querySelector(":scope > .address > code");
    const name = textOf(topic || place.querySelector("dt a, h3 a, h4 a"));
    const said = textOf(topic ? place.querySelector("h3") : place.querySelector("dd > span, h4 > span, p"));
    const kind = place.dataset.find || place.parentElement.dataset.find;
    return { id: place.id, name, said, kind, sought: name.toLowerCase(), text: `${kind} ${said}`.toLowerCase() };
  });
};

/* 0 is best; Infinity is not found. Every word of the query must be somewhere. */
const rank = (entry, words) =>
  Math.max(
    ...words.map((word) => {
      if (entry.sought === word) return 0;
      if (entry.sought.startsWith(word)) return 1;
      if (entry.sought.split(/[._-]/).some((part) => part.startsWith(word))) return 2;
      if (entry.sought.includes(word)) return 3;
      return entry.text.includes(word) ? 4 : Infinity;
    }),
  );

const find = (all, query) => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  return all
    .map((entry) => ({ entry, rank: rank(entry, words) }))
    .filter((one) => one.rank < Infinity)
    .sort((one, other) => one.rank - other.rank || one.entry.name.length - other.entry.name.length)
    .map((one) => one.entry);
};

const search = () => {
  const box = document.querySelector("search");
  const input = box.querySelector("input");
  const panel = box.querySelector(".found");
  const [status, list] = panel.children;
  let all;

  const close = () => (panel.hidden = true);
  const show = () => {
    all ??= entries();
    const found = find(all, input.value);
    const links = found.slice(0, FOUND_MAX).map(({ id, name, kind, said }) =>
      make("li", {}, make("a", { href: `#${id}` }, make("code", {}, name), make("small", {}, kind), make("span", {}, said))),
    );
    list.replaceChildren(...links);
    const shown = found.length > FOUND_MAX ? `The first ${FOUND_MAX} of ${found.length}` : found.length || "Nothing";
    status.textContent = `${shown} found`;
    panel.hidden = !input.value.trim();
  };
  const step = (by) => {
    const stops = [input, ...list.querySelectorAll("a")];
    stops[(stops.indexOf(document.activeElement) + by + stops.length) % stops.length].focus();
  };
  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Escape: () => (input.focus(), close()),
    Enter: () => document.activeElement === input && list.querySelector("a")?.click(),
  };

  input.addEventListener("input", show);
  input.addEventListener("focus", () => input.value && show());
  box.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    if (event.key !== "Enter" || document.activeElement === input) event.preventDefault();
    keys[event.key]();
  });
  list.addEventListener("click", (event) => event.target.closest("a") && close());
  document.addEventListener("click", (event) => box.contains(event.target) || close());
  document.addEventListener("keydown", (event) => {
    const writes = event.target.closest("input, textarea");
    if (event.key !== "/" || writes || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.select();
  });
  box.hidden = false;
};

/* Where the page is not served over HTTPS there is no clipboard to write to: then what is selected is copied. */
const copy = async (element) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(element.textContent);
  getSelection().selectAllChildren(element);
  if (!document.execCommand("copy")) throw new Error("not copied");
  getSelection().removeAllRanges();
};

const copying = () => {
  for (const element of document.querySelectorAll("[data-copy]")) {
    const what = element.dataset.copy || element.textContent;
    const button = make("button", { type: "button", className: "copy", ariaLabel: `Copy ${what}` }, "Copy");
    button.addEventListener("click", async () => {
      const said = await copy(element).then(() => "Copied", () => "Not copied");
      button.textContent = said;
      button.ariaLabel = said;
      setTimeout(() => Object.assign(button, { textContent: "Copy", ariaLabel: `Copy ${what}` }), 2000);
    });
    element.after(button);
  }
};

/* Marks in the contents what is being read. */
const following = () => {
  const links = new Map();
  for (const link of document.querySelectorAll("#contents li li a[href^='#']")) {
    links.set(document.getElementById(link.hash.slice(1)), link);
  }
  const places = [...links.keys()];
  let marked;
  const mark = () => {
    const read = places.findLast((place) => place.getBoundingClientRect().top < innerHeight / 4);
    const link = links.get(read);
    if (link === marked) return;
    marked?.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "true");
    marked = link;
  };
  let due = false;
  const later = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => ((due = false), mark()));
  };
  addEventListener("scroll", later, { passive: true });
  mark();
};

search();
copying();
following();
