"use strict";
// The page of a picture: pan, zoom, search, trace, details, levels, themes, keyboard.
// Texts of a graph reach the page only through textContent.
(() => {
  const data = JSON.parse(document.getElementById("scenes").textContent);
  const $ = (id) => document.getElementById(id);
  const view = $("view"), find = $("find"), panel = $("panel"), help = $("help");
  const levels = new Map();
  let level = data.level, picked = -1, hits = [], hit = -1;

  // -- levels ---------------------------------------------------------------------------------

  for (const holder of document.querySelectorAll(".level")) {
    const name = holder.dataset.level, svg = holder.querySelector("svg");
    const scene = data.scenes[name];
    const nodes = [...svg.querySelectorAll(".node")], edges = [...svg.querySelectorAll(".edge")];
    const next = scene.boxes.map(() => []), before = scene.boxes.map(() => []);
    for (const e of edges) {
      next[+e.dataset.a].push(+e.dataset.b);
      before[+e.dataset.b].push(+e.dataset.a);
    }
    nodes.forEach((node, i) => {
      const box = scene.boxes[i];
      node.setAttribute("role", "button");
      node.setAttribute("tabindex", i ? "-1" : "0");
      node.setAttribute("aria-label", [box.id, box.type, box.note, box.mark].filter(Boolean).join(", "));
    });
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", scene.title);
    const size = svg.viewBox.baseVal;
    levels.set(name, { holder, svg, scene, nodes, edges, next, before,
      whole: { x: 0, y: 0, w: size.width, h: size.height }, box: null });
  }
  const now = () => levels.get(level);

  function show(name) {
    const id = picked >= 0 ? now().scene.boxes[picked].id : null;
    clear();
    level = name;
    for (const [key, l] of levels) l.holder.hidden = key !== name;
    for (const b of document.querySelectorAll("[data-show]"))
      b.setAttribute("aria-pressed", String(b.dataset.show === name));
    now().box ? apply() : fit();
    search();
    const same = now().scene.boxes.findIndex((b) => b.id === id);
    if (same >= 0) pick(same, false);
  }

  // -- pan and zoom ---------------------------------------------------------------------------

  function apply() {
    const { x, y, w, h } = now().box;
    now().svg.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
  }
  function fit() {
    const l = now(), wide = view.clientWidth || 1, high = view.clientHeight || 1;
    const scale = Math.min(wide / l.whole.w, high / l.whole.h, 1.5);
    const w = wide / scale, h = high / scale;
    l.box = { x: (l.whole.w - w) / 2, y: Math.min(0, (l.whole.h - h) / 2), w, h };
    apply();
  }
  function zoom(factor, px = view.clientWidth / 2, py = view.clientHeight / 2) {
    const b = now().box, wide = view.clientWidth, scale = wide / b.w;
    const wanted = Math.min(Math.max(scale * factor, 0.02), 8) / scale;
    b.x += (px / wide) * b.w * (1 - 1 / wanted);
    b.y += (py / view.clientHeight) * b.h * (1 - 1 / wanted);
    [b.w, b.h] = [b.w / wanted, b.h / wanted];
    apply();
  }
  function move(dx, dy) {
    const b = now().box, scale = b.w / view.clientWidth;
    b.x -= dx * scale;
    b.y -= dy * scale;
    apply();
  }
  function centre(i) {
    const at = place(i), v = view.getBoundingClientRect(), shrunk = now().box.w / v.width;
    if (shrunk > 1.4) zoom(shrunk); // until texts are readable
    const again = place(i);
    const inside = again.x > v.left + 40 && again.x < v.right - 40 &&
      again.y > v.top + 40 && again.y < v.bottom - 40;
    if (!inside || at.w < 30) move(v.left + v.width / 2 - again.x, v.top + v.height / 2 - again.y);
  }
  function place(i) {
    const r = now().nodes[i].getBoundingClientRect();
    return { x: r.left + r.width / 2, y: r.top + r.height / 2, w: r.width };
  }

  view.addEventListener("wheel", (e) => {
    e.preventDefault();
    const r = view.getBoundingClientRect();
    zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.03 : 0.0015)), e.clientX - r.left, e.clientY - r.top);
  }, { passive: false });

  const pointers = new Map();
  let travelled = 0;
  view.addEventListener("pointerdown", (e) => {
    if (e.button) return;
    if (!pointers.size) travelled = 0;
    pointers.set(e.pointerId, e);
  });
  window.addEventListener("pointermove", (e) => {
    const last = pointers.get(e.pointerId);
    if (!last) return;
    const dx = e.clientX - last.clientX, dy = e.clientY - last.clientY;
    if (pointers.size === 2) {
      const other = [...pointers.values()].find((p) => p.pointerId !== e.pointerId);
      const d = (p) => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY) || 1;
      const r = view.getBoundingClientRect();
      zoom(d(e) / d(last), other.clientX - r.left, other.clientY - r.top);
    } else move(dx, dy);
    travelled += Math.abs(dx) + Math.abs(dy);
    if (travelled > 4) view.classList.add("drag");
    pointers.set(e.pointerId, e);
  });
  const up = (e) => {
    pointers.delete(e.pointerId);
    view.classList.remove("drag");
  };
  window.addEventListener("pointerup", up);
  window.addEventListener("pointercancel", up);
  view.addEventListener("click", (e) => {
    if (travelled > 4) return;
    const node = e.target.closest(".node");
    if (node) pick(+node.dataset.n, false);
    else clear();
  });

  // -- tracing and details --------------------------------------------------------------------

  function reached(start, links) {
    const seen = new Set([start]), waiting = [start];
    while (waiting.length)
      for (const n of links[waiting.pop()])
        if (!seen.has(n)) {
          seen.add(n);
          waiting.push(n);
        }
    return seen;
  }
  function pick(i, jump = true) {
    const l = now();
    picked = i;
    const up = reached(i, l.before), down = reached(i, l.next);
    l.svg.classList.add("traced");
    l.nodes.forEach((node, k) => {
      node.classList.toggle("on", up.has(k) || down.has(k));
      node.classList.toggle("picked", k === i);
      node.setAttribute("tabindex", k === i ? "0" : "-1");
      node.setAttribute("aria-pressed", String(k === i));
    });
    for (const e of l.edges) {
      const a = +e.dataset.a, b = +e.dataset.b;
      e.classList.toggle("on", (up.has(a) && up.has(b)) || (down.has(a) && down.has(b)));
    }
    details(i);
    if (jump) centre(i);
    l.nodes[i].focus({ preventScroll: true });
  }
  function clear() {
    const l = now();
    l.svg.classList.remove("traced");
    for (const n of [...l.nodes, ...l.edges]) n.classList.remove("on", "picked");
    for (const n of l.nodes) n.removeAttribute("aria-pressed");
    picked = -1;
    about();
  }
  function add(parent, tag, text) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }
  function table(facts) {
    const list = add(panel, "dl");
    for (const [name, value] of facts) {
      add(list, "dt", name);
      add(list, "dd", value);
    }
  }
  function links(title, numbers) {
    if (!numbers.length) return;
    add(panel, "h3", title);
    const list = add(panel, "ul");
    for (const n of new Set(numbers)) {
      const button = add(add(list, "li"), "button", now().scene.boxes[n].id);
      button.addEventListener("click", () => pick(n));
    }
  }
  function details(i) {
    const l = now(), box = l.scene.boxes[i];
    panel.replaceChildren();
    add(panel, "h2", box.id);
    const texts = [box.repeats > 1 ? `× ${box.repeats} steps` : "", box.type, box.spec, box.note,
      box.absorbed && "↳ " + box.absorbed];
    add(panel, "p", texts.filter(Boolean).join("  ·  "));
    const facts = [...box.facts], known = new Set(facts.map((f) => f[0]));
    if (box.shape && !known.has("shape")) facts.unshift(["shape", box.shape]);
    if (box.dtype && !known.has("dtype")) facts.push(["dtype", box.dtype]);
    if (box.mark) facts.push(["measured", box.mark]);
    table(facts);
    links("from", l.before[i].filter((n) => n !== i));
    links("to", l.next[i].filter((n) => n !== i));
  }
  function about() {
    const s = now().scene;
    panel.replaceChildren();
    add(panel, "h2", s.title);
    for (const line of s.subtitle.split("\n")) add(panel, "p", line);
    table([["boxes", String(s.boxes.length)], ["arrows", String(now().edges.length)]]);
    add(panel, "p", "Click a box for its figures, and for what leads to it and follows from it.");
  }

  // -- search ---------------------------------------------------------------------------------

  function search() {
    const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean), l = now();
    const textOf = (b) => [b.id, b.title, b.type, b.spec, b.note, b.absorbed, b.mark, ...b.facts.flat()]
      .join(" ").toLowerCase();
    [hits, hit] = [[], -1];
    l.nodes.forEach((node, i) => {
      const found = words.length > 0 && words.every((w) => textOf(l.scene.boxes[i]).includes(w));
      node.classList.toggle("hit", found);
      if (found) hits.push(i);
    });
    $("count").textContent = words.length ? `${hits.length} found` : "";
  }
  find.addEventListener("input", search);
  find.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || !hits.length) return;
    hit = (hit + (e.shiftKey ? hits.length - 1 : 1)) % hits.length;
    if (hit < 0) hit = hits.length - 1;
    pick(hits[hit]);
    find.focus();
    $("count").textContent = `${hit + 1} of ${hits.length}`;
  });

  // -- theme, buttons, keyboard ---------------------------------------------------------------

  const themes = ["auto", "light", "dark"];
  function theme(name) {
    document.documentElement.dataset.theme = name;
    $("theme").textContent = "Theme: " + name;
  }
  const buttons = {
    theme: () => theme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % 3]),
    fit, in: () => zoom(1.25), out: () => zoom(0.8),
    ask: () => help.showModal(), close: () => help.close(),
  };
  for (const [id, press] of Object.entries(buttons)) $(id).addEventListener("click", press);
  for (const b of document.querySelectorAll("[data-show]"))
    b.addEventListener("click", () => show(b.dataset.show));

  const keys = { "/": () => find.focus(), "?": buttons.ask, "+": buttons.in, "=": buttons.in,
    "-": buttons.out, "0": fit };
  const directions = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  function step(dx, dy) {
    const l = now();
    if (picked < 0) return pick(0);
    const from = place(picked), near = new Set([...l.next[picked], ...l.before[picked]]);
    let best = -1, least = Infinity;
    l.nodes.forEach((_, i) => {
      const p = place(i), x = p.x - from.x, y = p.y - from.y;
      const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (along < 2) return;
      const cost = (along + 3 * aside) * (near.has(i) ? 0.4 : 1);
      if (cost < least) [best, least] = [i, cost];
    });
    if (best >= 0) pick(best);
  }
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || help.open) return;
    if (e.key === "Escape") {
      find.value = "";
      search();
      clear();
      find.blur();
      return;
    }
    if (e.target === find) return;
    if (e.key in keys) keys[e.key]();
    else if (e.key in directions) step(...directions[e.key]);
    else if ((e.key === "Enter" || e.key === " ") && e.target.closest(".node"))
      pick(+e.target.closest(".node").dataset.n);
    else return;
    e.preventDefault();
  });
  let size = [0, 0];
  new ResizeObserver(() => {
    const next = [view.clientWidth, view.clientHeight];
    if (next[0] !== size[0] || next[1] !== size[1]) fit();
    size = next;
  }).observe(view);

  theme(data.theme);
  show(level);
})();
