"use strict";
/* Adds up the lookup tables for the values in the form. The page is complete without this script:
   it then shows the contributions for typical values, which were written into it. */
(function () {
  const tables = JSON.parse(document.getElementById("tables").textContent);
  const form = document.getElementById("form");
  const bars = document.getElementById("bars");
  const level = 1.959964;
  const most = 12;

  /* Weights of the two entries around a value, or of the last two beyond the grid. */
  function between(grid, value) {
    if (grid.length === 1) return [[0, 1]];
    let low = 0, high = grid.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (grid[middle] <= value) low = middle; else high = middle - 1;
    }
    const share = (value - grid[low]) / (grid[low + 1] - grid[low]);
    return [[low, 1 - share], [low + 1, share]];
  }

  function weights(grid, attribute, value) {
    if (attribute.kind === "category") {
      const count = attribute.levels.length;
      return [[value === null ? count + 1 : value < 0 ? count : value, 1]];
    }
    return value === null ? [[grid.length, 1]] : between(grid, value);
  }

  /* Mix the entries of a table [stops, ..., K] with the weights of each axis. */
  function mix(table, axes) {
    if (axes.length === 0) return table;
    const total = new Array(tables.baseline.length).fill(0);
    for (const [index, weight] of axes[0]) {
      mix(table[index], axes.slice(1)).forEach((v, k) => { total[k] += weight * v; });
    }
    return total;
  }

  function contribution(part, row) {
    let axes = part.attributes.map((p, i) => weights(part.x[i], tables.attributes[p], row[p]));
    const mean = new Array(tables.baseline.length).fill(0);
    if (part.kind === "term") {
      let inner = 0;
      axes.forEach((pairs, i) => mix(part.less[i], [pairs]).forEach((v, k) => { mean[k] -= v; }));
      axes.forEach((pairs, i) => pairs.forEach(([at, w]) => { inner += w * part.inner[i][at]; }));
      axes = [between(part.h, inner)];
    }
    mix(part.mean, axes).forEach((v, k) => { mean[k] += v; });
    return { mean, sd: mix(part.sd, axes).map((v) => Math.max(v, 0)) };
  }

  function read() {
    return tables.attributes.map((attribute, p) => {
      if (attribute === null) return null;
      const field = form.querySelector(`[data-value="${p}"]`);
      if (attribute.kind === "category") return field.value === "" ? null : Number(field.value);
      const absent = form.querySelector(`[data-absent="${p}"]`);
      if (absent && absent.checked) return null;
      return field.value.trim() === "" || !Number.isFinite(Number(field.value))
        ? attribute.typical : Number(field.value);
    });
  }

  function number(value, digits) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e9 || size < 1e-4) return value.toPrecision(digits).replace("-", "\u2212");
    const places = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
    return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(places, 20) })
      .replace("-", "\u2212");
  }
  const signed = (value) => (value > 0 ? "+" : "") + number(value, 3);

  function words(part, row) {
    const text = part.attributes.map((p) => {
      const attribute = tables.attributes[p];
      if (row[p] === null) return `${attribute.name} is missing`;
      if (attribute.kind === "number") return `${attribute.name} = ${number(row[p], 4)}`;
      return `${attribute.name} = ${row[p] < 0 ? "(never seen)" : attribute.levels[row[p]]}`;
    }).join(", ");
    return part.kind === "term" ? `${part.name.split(" (")[0]}: ${text}` : text;
  }

  function line(label, kind, start, stop, value, band, scale) {
    const item = document.createElement("li");
    item.className = kind;
    const name = document.createElement("span");
    name.className = "what";
    name.textContent = label;
    name.title = label;
    const track = document.createElement("span");
    track.className = "track";
    const place = (element, a, b) => {
      element.style.left = `${100 * scale(Math.min(a, b))}%`;
      element.style.width = `${100 * Math.abs(scale(b) - scale(a))}%`;
      track.append(element);
    };
    const bar = document.createElement("span");
    bar.className = `bar ${stop >= start ? "rise" : "fall"}`;
    place(bar, start, stop);
    if (band) {
      const whisker = document.createElement("span");
      whisker.className = "whisker";
      place(whisker, start + band[0], start + band[1]);
    }
    const figure = document.createElement("span");
    figure.className = "figure";
    figure.textContent = value;
    item.append(name, track, figure);
    return item;
  }

  function draw(row, found, k) {
    const base = tables.baseline[k];
    const order = found.map((_, j) => j)
      .sort((a, b) => Math.abs(found[b].mean[k]) - Math.abs(found[a].mean[k]) || a - b);
    const steps = order.slice(0, most).map((j) => ({
      label: words(tables.parts[j], row), value: found[j].mean[k], reach: level * found[j].sd[k],
    }));
    const rest = order.slice(most);
    if (rest.length) {
      const value = rest.reduce((sum, j) => sum + found[j].mean[k], 0);
      steps.push({ label: `${rest.length} other parts`, value, reach: null });
    }
    const ends = [0, base];
    let at = base;
    steps.forEach((step) => { step.start = at; at += step.value; ends.push(at); });
    const low = Math.min(...ends), high = Math.max(...ends);
    const room = 0.04 * (high - low || 1);
    const scale = (v) => Math.min(Math.max((v - low + room) / (high - low + 2 * room), 0), 1);
    const items = steps.map((s) => line(s.label, "part", s.start, s.start + s.value,
      signed(s.value), s.reach === null ? null : [s.value - s.reach, s.value + s.reach], scale));
    bars.replaceChildren(
      line("average row", "end", 0, base, signed(base), null, scale), ...items,
      line("prediction", "end", 0, at, signed(at), null, scale));
    return at;
  }

  function answer(total) {
    const out = document.getElementById("answer");
    if (tables.classes.length === 0) {
      const found = tables.log ? Math.exp(total[0]) : total[0];
      out.textContent = `${tables.target} = ${number(found, 4)}`;
      return;
    }
    const sums = tables.classes.length === 2 ? [0, total[0]] : total;
    const top = Math.max(...sums);
    const powers = sums.map((s) => Math.exp(s - top));
    const all = powers.reduce((a, b) => a + b, 0);
    const rank = powers.map((p, c) => [p / all, c]).sort((a, b) => b[0] - a[0]);
    out.textContent = rank.slice(0, 4)
      .map(([p, c]) => `${tables.classes[c]}: ${number(100 * p, 3)} %`).join(" \u00b7 ");
  }

  function beyond(row) {
    const far = tables.attributes.filter((a, p) => a !== null && a.kind === "number" && row[p] !== null
      && (row[p] < a.range[0] || row[p] > a.range[1]));
    const note = document.getElementById("beyond");
    note.hidden = far.length === 0;
    note.textContent = far.length === 0 ? "" : "Beyond the data: " + far.map((a) =>
      `${a.name} was between ${number(a.range[0], 4)} and ${number(a.range[1], 4)}`).join("; ")
      + ". There curves go on as straight lines, and their bands are wide.";
  }

  function update() {
    const row = read();
    const found = tables.parts.map((part) => contribution(part, row));
    const pick = document.getElementById("output");
    const k = pick ? Number(pick.value) : 0;
    const total = tables.baseline.map((b, o) => found.reduce((sum, f) => sum + f.mean[o], b));
    draw(row, found, k);
    answer(total);
    beyond(row);
    bars.dataset.total = JSON.stringify(total);
  }

  form.addEventListener("input", (event) => {
    const field = event.target;
    if (field.dataset.value !== undefined) {
      const slider = form.querySelector(`[data-slider="${field.dataset.value}"]`);
      if (slider) slider.value = field.value;
    } else if (field.dataset.slider !== undefined) {
      form.querySelector(`[data-value="${field.dataset.slider}"]`).value = field.value;
    }
    update();
  });
  form.addEventListener("reset", () => setTimeout(update, 0));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelectorAll("[data-live]").forEach((element) => { element.hidden = false; });
  form.classList.add("live");
  update();
})();
