"use strict";
// The page of a picture: modules that open and close, pan, zoom, search, trace, details,
// the sweep of values and gradients, print.
// Texts of a graph reach the page only through textContent.
(() => {
  const data = JSON.parse(document.getElementById("scenes").textContent);
  const $ = (id) => document.getElementById(id);
  const view = $("view"), find = $("find"), panel = $("panel"), help = $("help"), map = $("map");
  const MARGIN = 24, GAP = 40; // around everything, and what is left of an empty strip
  const FEW = 600; // elements that may be in the document without being seen
  const levels = new Map(), pressed = document.querySelectorAll("[data-show]");
  let shown, picked = -1, hits = [], hit = -1;
  const now = () => levels.get(shown);

  function set(element, values) {
    for (const [name, value] of Object.entries(values))
      if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
  function commands(d) {
    return [...d.matchAll(/([MLC])([^MLCZ]*)/g)].map(([, name, rest]) => {
      const n = rest.trim().split(/[ ,]+/).map(Number);
      return [name, n.flatMap((v, k) => (k % 2 ? [[n[k - 1], v]] : []))];
    });
  }
  const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
  const distance = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
  const points = (path) => path.flatMap(([, ps]) => ps);

  // -- levels ---------------------------------------------------------------------------------

  // A unit is a box or, after all boxes, the card of a cluster; a closed cluster shows its card.
  for (const holder of document.querySelectorAll(".level")) {
    const world = holder.querySelector(".world");
    const layers = [...world.children].map((g) => ({ g, all: [...g.children] }));
    const [outlines, edges, titles, boxes, cards] = layers.map(({ all }) => all);
    const l = { ...data.scenes[holder.dataset.level], holder, folded: new Set(), world, layers,
      svg: holder.querySelector(".graph"), nodes: [...boxes, ...cards], edges, outlines, titles };
    for (const b of l.boxes)
      b.facts = b.facts.flatMap((w, k) => (k % 2 ? [[l.words[b.facts[k - 1]], l.words[w]]] : []));
    l.count = l.at.length - l.frames.length;
    l.next = l.boxes.map(() => []);
    l.before = l.boxes.map(() => []);
    for (const [a, b] of l.arrows) l.next[a].push(b), l.before[b].push(a);
    l.lines = l.edges.map((e, n) => { // the whole path, its ends, and the size of the head
      const path = commands(e.children[0].getAttribute("d")), [a, b, turned] = l.arrows[n];
      const [tip, p, q] = points(commands(e.children[1].getAttribute("d"))), middle = [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
      path.at(-1)[1].splice(-1, 1, tip);
      return { path, ends: turned ? [b, a] : [a, b], long: distance(tip, middle), wide: distance(p, q) / 2 };
    });
    l.nodes.forEach((node, i) => {
      const b = l.boxes[i];
      node.unit = i;
      set(node, { role: "button", tabindex: -1,
        "aria-label": [b.id, b.type, b.note, b.mark].filter(Boolean).join(", ") });
    });
    l.titles.forEach((title, k) => (title.cluster = k));
    set(l.svg, { role: "group", "aria-label": l.title });
    levels.set(holder.dataset.level, l);
  }

  function show(name) {
    const id = picked >= 0 ? now().boxes[picked].id : null;
    if (shown) end(clear());
    shown = levels.has(name) ? name : "ops";
    const l = now();
    l.folded = new Set(name === "modules" && shown === "ops" ? l.closed : []);
    for (const other of levels.values()) other.holder.hidden = other !== l;
    for (const b of pressed) set(b, { "aria-pressed": b.dataset.show === name });
    arrange();
    open();
    about();
    search();
    const same = l.boxes.findIndex((b) => b.id === id);
    if (same >= 0) pick(outermost(same));
  }

  // -- modules open and close -------------------------------------------------------------------

  function around(i) { // the clusters around a unit, from the innermost
    const l = now(), found = [];
    for (let c = l.in[i]; c >= 0; c = l.in[l.count + c]) found.push(c);
    return found;
  }
  function outermost(i) { // the unit that is seen where a unit would be
    const l = now(), closed = around(i).filter((c) => l.folded.has(c));
    return closed.length ? l.count + closed.at(-1) : i;
  }
  function inside(i) { // the boxes of a unit
    const l = now();
    return i < l.count ? [i] : [...Array(l.count).keys()].filter((b) => around(b).includes(i - l.count));
  }
  function fold(c, closed) { // the corner of what was clicked stays where it is
    end();
    const l = now(), corner = closed ? l.frames[c] : l.at[l.count + c], before = l.move(corner);
    closed ? l.folded.add(c) : l.folded.delete(c);
    arrange();
    const after = l.move(corner);
    move((before[0] - after[0]) * l.view.k, (before[1] - after[1]) * l.view.k);
    search(false);
    for (const b of pressed) set(b, { "aria-pressed": false });
    pick(closed ? l.count + c : inside(l.count + c).map(outermost)[0], false);
  }

  // -- places: the empty strips that closed modules leave are made short ------------------------

  const beyond = (d) => (d > GAP ? GAP * (1 + Math.log(d / GAP)) : d); // lanes at the sides
  function squeezed(spans, whole, most) { // a function of old positions to new ones
    if (whole || !spans.length) return (p) => p;
    spans.sort((a, b) => a[0] - b[0]);
    const from = [], to = [];
    let end = spans[0][0], at = end;
    for (const [a, b] of spans) {
      if (b <= end && from.length) continue;
      if (a > end) at += Math.min(a - end, most);
      const start = Math.max(a, end);
      from.push(start, b);
      to.push(at, (at += b - start));
      end = b;
    }
    return (p) => {
      let low = 0, high = from.length - 1;
      if (p <= from[0]) return to[0] - beyond(from[0] - p);
      if (p >= from[high]) return to[high] + beyond(p - from[high]);
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        from[middle] <= p ? (low = middle) : (high = middle);
      }
      const part = (p - from[low]) / (from[high] - from[low] || 1);
      return to[low] + part * (to[high] - to[low]);
    };
  }
  function arrange() {
    const l = now(), spans = [[], []], bounds = l.bounds = new Map();
    const rigid = (x, y, w, h) => (spans[0].push([x, x + w]), spans[1].push([y, y + h]));
    const cover = (element, all) => {
      const [x, y] = [0, 1].map((c) => all.map((p) => p[c]));
      bounds.set(element, [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)]);
    };
    l.seen = l.nodes.map((_, i) => outermost(i) === i && (i < l.count || l.folded.has(i - l.count)));
    const framed = l.frames.map((_, c) => !l.folded.has(c) && outermost(l.count + c) === l.count + c);
    l.at.forEach((at, i) => l.seen[i] && rigid(...at));
    l.frames.forEach(([x, y, w, h], c) => framed[c] && (rigid(x, y, 12, 24), rigid(x + w - 12, y + h - 12, 12, 12)));
    const [fx, fy] = spans.map((s, c) => squeezed(s, !l.folded.size, l.flat && !c ? 2 * GAP : GAP));
    l.move = ([x, y]) => [fx(x), fy(y)];
    l.places = l.at.map(([x, y, w, h]) => [fx(x), fy(y), w, h]);
    l.nodes.forEach((node, i) => {
      if (!l.seen[i]) return;
      const [x, y, w, h] = l.places[i];
      shift(node, l.at[i]);
      cover(node, [[x - 9, y - 9], [x + w + 9, y + h]]);
    });
    l.frames.forEach(([x, y, w, h], c) => {
      const corners = [l.move([x, y]), l.move([x + w, y + h])], [p, q] = corners;
      if (framed[c]) for (const e of [l.outlines[c], l.titles[c]]) cover(e, corners);
      set(l.outlines[c], { x: p[0], y: p[1], width: q[0] - p[0], height: q[1] - p[1] });
      shift(l.titles[c], [x, y]);
    });
    const best = new Map(); // the shortest of the arrows between two units, one of which is closed
    l.lines.forEach(({ path, ends }, n) => {
      const [a, b] = ends.map(outermost), cut = a !== ends[0] || b !== ends[1];
      if (cut && a === b) return;
      const to = cut ? shortened(path, a, b) : path.map(([c, ps]) => [c, ps.map(l.move)]);
      const all = points(to), key = cut ? `${a} ${b}` : n;
      const long = all.reduce((sum, p, k) => sum + (k ? distance(p, all[k - 1]) : 0), 0);
      if (!(best.get(key)?.long <= long)) best.set(key, { n, to, long, all, cut });
    });
    for (const line of best.values()) {
      const e = l.edges[line.n];
      if (l.folded.size || e.changed) draw(e, l.lines[line.n], line);
      cover(e, line.all);
    }
    const all = [...bounds.values()];
    const edge = (k, f, sign) => all.reduce((m, box) => f(m, box[k]), sign * Infinity) - sign * MARGIN;
    const [x, y] = all.length ? [edge(0, Math.min, 1), edge(1, Math.min, 1)] : [0, 0];
    const [w, h] = all.length ? [edge(2, Math.max, -1) - x, edge(3, Math.max, -1) - y] : [1, 1];
    l.whole = { x, y, w, h };
    const small = Math.min(150 / w, 190 / h);
    set(map, { viewBox: `${x} ${y} ${w} ${h}`, width: Math.max(w * small, 30), height: Math.max(h * small, 20) });
    const squares = l.places.map(([x, y, w, h], i) => (l.seen[i] ? `M${x} ${y}h${w}v${h}h${-w}z` : ""));
    map.children[0].setAttribute("d", squares.join(""));
  }
  function shift(element, from, [x, y] = now().move(from)) {
    const same = x === from[0] && y === from[1];
    if (!same || element.hasAttribute("transform"))
      set(element, { transform: `translate(${x - from[0]} ${y - from[1]})` });
  }
  function bend(p, q) { // a line along the flow, or a curve that begins and ends along it
    if (Math.abs(p[+now().flat] - q[+now().flat]) < 0.5) return ["L", [q]];
    const middle = [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
    return ["C", now().flat ? [[middle[0], p[1]], [middle[0], q[1]], q] : [[p[0], middle[1]], [q[0], middle[1]], q]];
  }
  function shortened(path, a, b) { // from and to closed cards, through the points outside of them
    const l = now(), closed = (i) => i >= l.count, frame = (i) => l.frames[i - l.count];
    const onto = ([x, y, w, h], p, by = 0) => { // the nearest place, not in a corner
      const [i, j] = l.flat ? [0, by] : [by, 0];
      return [clamp(p[0], x + i, x + w - i), clamp(p[1], y + j, y + h - j)];
    };
    const inside = (i, p) => closed(i) && distance(onto(frame(i), p), p) === 0;
    const ends = path.flatMap(([name, ps], j) => { // a line is cut at the frame that it leaves or enters
      const p = j ? path[j - 1][1].at(-1) : ps[0], q = ps.at(-1), line = name === "L";
      const cuts = line && inside(a, p) && !inside(a, q) ? [onto(frame(a), q)] : [];
      if (inside(b, q)) return line && !inside(b, p) ? [...cuts, onto(frame(b), p)] : cuts;
      return inside(a, q) ? cuts : [...cuts, q];
    }).map(l.move);
    const [x, y, w, h] = l.places[b];
    if (closed(a)) ends.unshift(onto(l.places[a], ends[0] ?? [x + w / 2, y + h / 2], 12));
    if (closed(b)) ends.push(onto(l.places[b], ends.at(-1), 12));
    return ends.map((q, k) => (k ? bend(ends[k - 1], q) : ["M", [q]]));
  }
  function draw(e, { long, wide }, { to: path, cut }) {
    const [line, head, label] = e.children, all = points(path), start = all[0];
    const [from, tip] = all.slice(-2), d = distance(tip, from) || 1;
    const [x, y] = [(tip[0] - from[0]) / d, (tip[1] - from[1]) / d];
    const at = (along, aside) => [tip[0] - x * along - y * aside, tip[1] - y * along + x * aside];
    all[all.length - 1] = at(long - 1, 0); // the line ends below the head
    let k = 0;
    const text = path.map(([name, ps]) => name + ps.map(() => all[k++].join(" ")).join(" ")).join("");
    line.setAttribute("d", text);
    head.setAttribute("d", `M${tip}L${at(long, wide)}L${at(long, -wide)}Z`);
    if (label) { // of a line that was cut, in its middle
      const place = [+label.getAttribute("x"), +label.getAttribute("y")], [dx, dy] = now().flat ? [0, -6] : [7, 4];
      const to = cut ? [(start[0] + tip[0]) / 2 + dx, (start[1] + tip[1]) / 2 + dy] : now().move(place);
      shift(label, place, to);
    }
    e.changed = true;
  }

  // -- pan and zoom ---------------------------------------------------------------------------

  const room = () => [now().svg.clientWidth || 1, now().svg.clientHeight || 1];
  function apply() {
    const l = now(), { x, y, k } = l.view, [wide, high] = room();
    const [left, top, right, bottom] = [-x / k, -y / k, (wide - x) / k, (high - y) / k];
    l.world.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
    l.svg.classList.toggle("far", k < 0.25);
    set(map.children[1], { x: left, y: top, width: right - left, height: bottom - top });
    const few = l.bounds.size < FEW; // else what is beyond the view is taken out
    attach(l.world, ([a, b, c, d]) => few || (c + 180 > left && a - 180 < right && d > top && b < bottom));
    if (sweep) beside(sweep.steps[sweep.at].unit);
  }
  function attach(world, wanted, copy = (e) => e) { // the elements that are shown, in their order
    now().layers.forEach(({ all }, k) => {
      const layer = world.children[k];
      for (let i = all.length - 1, next = null; i >= 0; i--) {
        const box = now().bounds.get(all[i]);
        if (!box || !wanted(box)) all[i].parentNode === layer && all[i].remove();
        else if (all[i].parentNode === layer) next = all[i];
        else next = layer.insertBefore(copy(all[i]), next);
      }
    });
  }
  function fit(least = 0) { // everything or, not to be smaller than that, the beginning of the graph
    const l = now(), { x, y, w, h } = l.whole, [wide, high] = room();
    const k = Math.max(Math.min(wide / w, high / h, 1.5), least);
    const [a, b, c, d] = l.places[Math.max(l.seen.indexOf(true), 0)] ?? [0, 0, 0, 0];
    const along = (low, long, middle, room) => long * k <= room ? (room - long * k) / 2 - low * k
      : clamp(room / 2 - middle * k, room - (low + long) * k, -low * k);
    l.view = { x: along(x, w, a + c / 2, wide), y: along(y, h, b + d / 2, high), k };
    apply();
  }
  const open = () => fit(1);
  function zoom(factor, px = room()[0] / 2, py = room()[1] / 2) {
    const { x, y, k } = now().view, to = clamp(k * factor, 0.02, 8);
    now().view = { x: px - ((px - x) * to) / k, y: py - ((py - y) * to) / k, k: to };
    apply();
  }
  function move(dx, dy) {
    const v = now().view;
    now().view = { ...v, x: v.x + dx, y: v.y + dy };
    apply();
  }
  function middle(i) { // of a unit, on the screen
    const v = now().view, [x, y, w, h] = now().places[i];
    return { x: (x + w / 2) * v.k + v.x, y: (y + h / 2) * v.k + v.y };
  }
  function centre(i) {
    if (now().view.k < 0.7) zoom(1 / now().view.k); // until texts are readable
    const { x, y } = middle(i), [wide, high] = room();
    if (x < 40 || y < 40 || x > wide - 40 || y > high - 40) move(wide / 2 - x, high / 2 - y);
  }

  view.addEventListener("wheel", (e) => {
    e.preventDefault();
    const r = view.getBoundingClientRect();
    zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.03 : 0.0015)), e.clientX - r.left, e.clientY - r.top);
  }, { passive: false });
  const pointers = new Map();
  let travelled = 0;
  view.addEventListener("pointerdown", (e) => {
    if (e.button || map.contains(e.target)) return;
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
  for (const ended of ["pointerup", "pointercancel"])
    window.addEventListener(ended, (e) => {
      pointers.delete(e.pointerId);
      view.classList.remove("drag");
    });
  view.addEventListener("click", (e) => {
    if (travelled > 4 || map.contains(e.target)) return;
    const l = now(), unit = e.target.closest(".node")?.unit;
    const title = e.target.closest(".titles > g")?.cluster;
    if (title !== undefined) fold(title, true);
    else if (unit === undefined) clear();
    else if (e.target.closest(".badge")) fold(unit - l.count, false);
    else pick(unit, false);
  });
  const jump = (e) => {
    const r = map.getBoundingClientRect(), { x, y, w, h } = now().whole, v = now().view, [wide, high] = room();
    if (e.buttons) move(wide / 2 - (x + ((e.clientX - r.left) / r.width) * w) * v.k - v.x,
      high / 2 - (y + ((e.clientY - r.top) / r.height) * h) * v.k - v.y);
  };
  map.addEventListener("pointerdown", jump);
  map.addEventListener("pointermove", jump);

  // -- tracing and details --------------------------------------------------------------------

  function reached(starts, links) {
    const seen = new Set(starts), waiting = [...starts];
    while (waiting.length)
      for (const n of links[waiting.pop()]) if (!seen.has(n)) waiting.push(n), seen.add(n);
    return seen;
  }
  function pick(i, jump = true) {
    end();
    const l = now(), boxes = inside(i);
    for (const c of around(i)) if (l.folded.delete(c)) arrange();
    picked = i;
    const up = reached(boxes, l.before), down = reached(boxes, l.next);
    const units = new Set([...up, ...down].map(outermost));
    l.svg.classList.add("traced");
    l.nodes.forEach((node, k) => {
      node.classList.toggle("on", units.has(k));
      node.classList.toggle("picked", k === i);
      set(node, { tabindex: k === i ? 0 : -1, "aria-pressed": k === i });
    });
    l.edges.forEach((e, n) => {
      const [a, b] = l.arrows[n];
      e.classList.toggle("on", (up.has(a) && up.has(b)) || (down.has(a) && down.has(b)));
    });
    details(i);
    if (jump) centre(i);
    apply();
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
  function add(parent, tag, text = "") {
    const made = parent.appendChild(document.createElement(tag));
    made.textContent = text;
    return made;
  }
  function table(facts) {
    const list = add(panel, "dl");
    for (const [name, value] of facts) add(list, "dt", name), add(list, "dd", value);
  }
  function button(parent, text, press) {
    add(parent, "button", text).addEventListener("click", press);
  }
  function links(title, boxes, own) {
    const units = new Set(boxes.filter((n) => !own.includes(n)).map(outermost));
    if (!units.size) return;
    add(panel, "h3", title);
    const list = add(panel, "ul");
    for (const n of units) button(add(list, "li"), now().boxes[n].id, () => pick(n));
  }
  function details(i) {
    const l = now(), box = l.boxes[i], own = inside(i), [outer] = around(i);
    panel.replaceChildren();
    add(panel, "h2", box.id);
    const texts = [box.steps, box.type, box.spec, box.note, box.absorbed && "↳ " + box.absorbed];
    add(panel, "p", texts.filter(Boolean).join("  ·  "));
    const facts = [...box.facts], known = new Set(facts.map((f) => f[0]));
    if (box.shape && !known.has("shape")) facts.unshift(["shape", box.shape]);
    if (box.dtype && !known.has("dtype")) facts.push(["dtype", box.dtype]);
    if (box.mark) facts.push(["measured", box.mark]);
    table(facts);
    if (i >= l.count) button(panel, "Open", () => fold(i - l.count, false));
    if (outer !== undefined) button(panel, `Close ${l.boxes[l.count + outer].id}`, () => fold(outer, true));
    links("from", own.flatMap((n) => l.before[n]), own);
    links("to", own.flatMap((n) => l.next[n]), own);
  }
  function about() {
    const l = now();
    panel.replaceChildren();
    add(panel, "h2", l.title);
    for (const line of l.subtitle.split("\n")) add(panel, "p", line);
    table([["boxes", String(l.count)], ["arrows", String(l.edges.length)]]);
    add(panel, "p", "Click a box for its figures, and for what leads to it and follows from it.");
    if (l.frames.length) add(panel, "p", "+ and − at a module open and close it.");
    const first = l.nodes[l.seen.indexOf(true)];
    if (first) set(first, { tabindex: 0 });
  }

  // -- search, also inside what is closed ---------------------------------------------------------

  function search(afresh = true) {
    const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean), l = now();
    const textOf = (b) => [b.id, b.title, b.type, b.spec, b.note, b.absorbed, b.mark, ...b.facts.flat()]
      .join(" ").toLowerCase();
    const found = (b) => words.length > 0 && words.every((w) => textOf(b).includes(w));
    const all = [...Array(l.count).keys()].filter((i) => found(l.boxes[i]));
    const units = new Set(all.map(outermost));
    l.nodes.forEach((node, i) => node.classList.toggle("hit", units.has(i)));
    if (!afresh) return;
    [hits, hit] = [all, -1];
    $("count").textContent = words.length ? `${hits.length} found` : "";
  }
  find.addEventListener("input", search);
  find.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || !hits.length) return;
    hit = (Math.max(hit, e.shiftKey ? 0 : -1) + (e.shiftKey ? hits.length - 1 : 1)) % hits.length;
    pick(hits[hit]);
    search(false);
    find.focus();
    $("count").textContent = `${hit + 1} of ${hits.length}`;
  });

  // -- the sweep: values pass forward, then gradients back ----------------------------------------

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let sweep = null, timer = 0; // its steps, and the one that is shown
  function begin() { // a step for each unit, in the order of the graph and then in that of backward
    const l = now(), order = [...Array(l.count).keys()], into = order.map(() => []);
    const steps = (back, boxes) => [...Map.groupBy(boxes, outermost)]
      .map(([unit, own]) => ({ unit, own: new Set(own), back }));
    for (const [a, b, , gradient] of l.arrows) if (gradient && a !== b) into[b].push(a);
    const got = reached(order.filter((i) => !l.next[i].length && into[i].length), into);
    const made = order.filter((i) => l.before[i].length), back = made.filter((i) => got.has(i));
    clear();
    l.svg.classList.add("sweep");
    sweep = { at: -1, into, steps: [...steps(false, made), ...steps(true, back.reverse())] };
    sweep.wait = clamp(60000 / sweep.steps.length, 150, 1000);
  }
  function pause() {
    clearInterval(timer);
    timer = 0;
    $("play").textContent = "▶ Play";
  }
  function end() {
    pause();
    if (sweep) for (const e of [...now().nodes, ...now().edges]) mark(e, {});
    now().svg.classList.remove("sweep");
    $("rule").hidden = true;
    sweep = null;
  }
  function mark(element, classes) {
    for (const name of ["passed", "returned", "now", "flow", "ebb"]) element.classList.toggle(name, !!classes[name]);
  }
  function stage(by) { // shows the next step, or the one before
    if (!sweep) begin();
    const l = now(), { steps } = sweep, at = (sweep.at = clamp(sweep.at + by, 0, steps.length - 1));
    if (!steps.length) return end();
    const { unit, own, back } = steps[at], done = steps.slice(0, at + 1);
    const passed = new Set(done.filter((s) => !s.back).map((s) => s.unit)), returned = new Set();
    for (const s of done.filter((s) => s.back))
      for (const b of s.own) for (const a of [b, ...sweep.into[b]]) returned.add(outermost(a));
    l.nodes.forEach((node, i) => mark(node, { returned: returned.has(i), now: i === unit,
      passed: passed.has(i) || (i < l.count && !l.before[i].length) }));
    l.edges.forEach((e, n) => {
      const [a, b, turned, gradient] = l.arrows[n], flows = own.has(b) && !own.has(a) && (gradient || !back);
      mark(e, { flow: flows, ebb: flows && back !== !!turned, returned: flows && back });
    });
    const part = steps.filter((s) => s.back === back), box = l.boxes[unit], rule = $("rule");
    rule.hidden = false;
    rule.replaceChildren();
    add(rule, "strong", `${back ? "backward" : "forward"} ${part.indexOf(steps[at]) + 1} / ${part.length}   ${box.id}`);
    for (const text of back ? formulas(own) : values(box)) add(rule, "div", text);
    centre(unit);
    apply();
    if (at === steps.length - 1) pause();
  }
  function beside(i) { // the rule is right of its box, or below it in a row
    const rule = $("rule"), { k, x, y } = now().view, [a, b, w, h] = now().places[i], [wide, high] = room();
    const fits = !now().flat && (a + w) * k + x + 12 + rule.offsetWidth < wide;
    const [left, top] = fits ? [(a + w) * k + x + 12, b * k + y] : [a * k + x, (b + h) * k + y + 12];
    rule.style.left = `${clamp(left, 8, Math.max(wide - rule.offsetWidth - 8, 8))}px`;
    rule.style.top = `${clamp(top, 8, Math.max(high - rule.offsetHeight - 8, 8))}px`;
  }
  function values(box) {
    const facts = new Map(box.facts), range = ["min", "max"].map((n) => facts.get(n));
    return [[box.type, facts.get("shape") ?? box.shape, facts.get("value") ?? box.note,
      range[0] && `from ${range[0]} to ${range[1]}`].filter(Boolean).join("   ")];
  }
  function formulas(own) { // the rules of the boxes of a step, as the primitives state them
    const found = [...own].flatMap((i) => {
      const { id, facts, title } = now().boxes[i], rules = facts.filter(([name]) => name.startsWith("gradient of "));
      const size = facts.find(([name]) => name === "rms of ∂L/∂result"), head = own.size > 1 ? `${title}  ` : "";
      if (!now().next[i].length) return [`${head}g = 1, the gradient of ${title} by itself`];
      return [...rules.map(([name, text]) => `${head}${name}:  ${text}`), ...(size && own.size === 1 ? [`rms of g: ${size[1]}`] : [])];
    });
    return found.length > 6 ? [...found.slice(0, 5), `and ${found.length - 5} more`] : found;
  }
  function play() {
    if (timer) return pause();
    if (sweep && sweep.at === sweep.steps.length - 1) end();
    stage(1);
    if (still.matches || !sweep || sweep.at === sweep.steps.length - 1) return; // a step for each press
    $("play").textContent = "❚❚ Pause";
    timer = setInterval(stage, sweep.wait, 1);
  }
  function turn(by) {
    pause();
    stage(by);
  }

  // -- theme, buttons, keyboard, print ------------------------------------------------------------

  const themes = ["auto", "light", "dark"], night = matchMedia("(prefers-color-scheme: dark)");
  let chosen = data.theme;
  function theme() { // "auto" follows the reader's screen
    document.documentElement.dataset.theme = chosen !== "auto" ? chosen : night.matches ? "dark" : "light";
    $("theme").textContent = "Theme: " + chosen;
  }
  night.addEventListener("change", theme);
  const buttons = {
    theme: () => theme((chosen = themes[(themes.indexOf(chosen) + 1) % 3])),
    fit: () => fit(), in: () => zoom(1.25), out: () => zoom(0.8),
    play, next: () => turn(1), previous: () => turn(-1), ask: () => help.showModal(), close: () => help.close(),
  };
  for (const [id, press] of Object.entries(buttons)) $(id).addEventListener("click", press);
  for (const b of pressed) b.addEventListener("click", () => show(b.dataset.show));

  const keys = { "/": () => find.focus(), "?": buttons.ask, "+": buttons.in, "=": buttons.in,
    "-": buttons.out, "0": buttons.fit, "1": open,
    p: play, ".": buttons.next, ",": buttons.previous,
    c: () => picked >= 0 && around(picked).length && fold(around(picked)[0], true) };
  const directions = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  function step(dx, dy) {
    const l = now();
    if (picked < 0) return pick(l.seen.indexOf(true));
    const from = middle(picked), own = inside(picked);
    const near = new Set(own.flatMap((n) => [...l.next[n], ...l.before[n]]).map(outermost));
    const costs = l.seen.map((seen, i) => {
      const p = middle(i), x = p.x - from.x, y = p.y - from.y;
      const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      return seen && along >= 2 ? (along + 3 * aside) * (near.has(i) ? 0.4 : 1) : Infinity;
    });
    const least = Math.min(...costs);
    if (least < Infinity) pick(costs.indexOf(least));
  }
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || help.open) return;
    const unit = e.target.closest?.(".node")?.unit;
    if (e.key === "Escape") {
      end();
      find.value = "";
      search();
      clear();
      find.blur();
    } else if (e.target === find) return;
    else if (e.key in keys) keys[e.key]();
    else if (e.key in directions) step(...directions[e.key]);
    else if ((e.key === "Enter" || e.key === " ") && unit !== undefined)
      unit >= now().count && unit === picked ? fold(unit - now().count, false) : pick(unit);
    else return;
    e.preventDefault();
  });

  window.addEventListener("beforeprint", () => { // one sheet, or several cut between the boxes
    const l = now(), { x, y, w, h } = l.whole, wide = 700, high = 940;
    let k = Math.min(wide / w, 1.2), top = y;
    if (h * k < 1.25 * high) k = Math.min(k, high / h);
    while (top < y + h - 1) {
      let end = Math.min(top + high / k, y + h);
      const cut = () => l.places.find(([, a, , b], i) => l.seen[i] && a < end && a + b > end);
      for (let box = cut(); end < y + h && box && box[1] > top + 1; box = cut()) end = box[1] - 1;
      const sheet = $("pages").appendChild(l.svg.cloneNode(false)), world = l.world.cloneNode(false);
      sheet.append(world);
      world.append(...l.layers.map(({ g }) => g.cloneNode(false)));
      attach(world, ([, a, , b]) => b > top && a < end, (e) => e.cloneNode(true));
      set(sheet, { width: w * k, height: (end - top) * k, viewBox: `${x} ${top} ${w} ${end - top}` });
      world.removeAttribute("transform");
      top = end;
    }
  });
  window.addEventListener("afterprint", () => $("pages").replaceChildren());

  let width = 0; // not the height, which the keyboard of a phone changes
  new ResizeObserver(() => {
    if (view.clientWidth !== width) open();
    width = view.clientWidth;
  }).observe(view);

  theme();
  show(data.level);
})();
