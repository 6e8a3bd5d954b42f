'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tip = document.getElementById('tip');
  document.documentElement.classList.add('js');

  // A <title> would be a second tooltip.
  for (const title of all('svg > title')) {
    title.parentNode.setAttribute('aria-label', title.textContent);
    title.remove();
  }

  // Figures from positions: "log LOW HIGH START END" or "nines 0 NINES START END".
  const inverse = (scale, at) => {
    const [kind, low, high, start, end] = scale.split(' ').map((part, i) => (i ? +part : part));
    const part = (at - start) / (end - start);
    return kind === 'log' ? low * (high / low) ** part : 100 * (1 - 10 ** (-high * part));
  };
  const time = ns => {
    const [factor, unit] = ns < 1e3 ? [1, 'ns'] : ns < 1e6 ? [1e3, 'us'] : ns < 1e9 ? [1e6, 'ms'] : [1e9, 's'];
    return `${(ns / factor).toPrecision(3).replace(/\.?0+$/, m => (m.startsWith('.') ? '' : m))} ${unit}`;
  };
  const share = percentile => +percentile.toFixed(percentile < 99 ? 1 : 4);

  // The points of a curve. Its path is "Mx yldx dy…", and a minus may replace a space.
  const points = curve => {
    if (!curve.points_) {
      const numbers = curve.getAttribute('d').match(/-?\d+/g).map(Number);
      let x = 0, y = 0;
      curve.points_ = [];
      for (let i = 0; i + 1 < numbers.length; i += 2) {
        curve.points_.push([x += numbers[i], y += numbers[i + 1]]);
      }
    }
    return curve.points_;
  };

  // The closest point of the curves, and where it is on the screen.
  const onCurve = (svg, event, farthest) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    let best = null, distance = farthest * scale;
    for (const curve of all('.c', svg)) {
      const favour = curve.classList.contains('on') ? 0.5 : 1;
      const found = points(curve);
      found.forEach(([x1, y1], i) => {
        const [x2, y2] = found[i + 1] || [x1, y1];
        const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
        const part = length ? Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length)) : 0;
        const [px, py] = [x1 + part * (x2 - x1), y1 + part * (y2 - y1)];
        const far = Math.hypot(px - x, py - y) * favour;
        if (far < distance) {
          distance = far;
          best = [curve, px, py];
        }
      });
    }
    if (!best) return null;
    const [curve, px, py] = best;
    const value = time(inverse(svg.dataset.x, px));
    return `${curve.dataset.m}: ${share(inverse(svg.dataset.y, py))} % take at most ${value}`;
  };

  // The text of the closest marker, cell or row.
  const onMark = (svg, event, farthest) => {
    let best = null, distance = farthest;
    for (const mark of all('[data-t]', svg)) {
      const box = mark.getBoundingClientRect();
      const x = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
      const y = Math.max(box.top - event.clientY, 0, event.clientY - box.bottom);
      const far = Math.hypot(x, y) * (mark.classList.contains('on') ? 0.5 : 1);
      if (far < distance) {
        distance = far;
        best = mark;
      }
    }
    return best && best.dataset.t;
  };

  const show = event => {
    const svg = event.target.closest && event.target.closest('figure svg');
    const text = svg && (svg.querySelector('[data-t]') ? onMark(svg, event, 16) : onCurve(svg, event, 16));
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8))}px`;
    const below = event.clientY + 16;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 12 : below}px`;
  };
  document.addEventListener('pointermove', show);
  document.addEventListener('pointerdown', show);
  document.addEventListener('keydown', event => { if (event.key === 'Escape') tip.hidden = true; });

  // The choice of series and runs.
  for (const box of all('[data-pick]')) {
    box.addEventListener('change', () => {
      document.documentElement.classList.add('chosen');
      for (const shape of all('svg [data-m]')) {
        if (shape.dataset.m !== box.dataset.pick) continue;
        shape.classList.toggle('on', box.checked);
        if (box.checked && !shape.closest('.d')) shape.parentNode.append(shape);
      }
    });
  }
  for (const box of all('[data-show]')) {
    box.addEventListener('change', () => {
      for (const part of all(`[data-run="${box.dataset.show}"]`)) part.toggleAttribute('data-hidden', !box.checked);
    });
  }

  // The table.
  const table = document.getElementById('rows');
  if (!table) return;
  const body = table.tBodies[0];
  const units = {
    ns: 1, us: 1e3, ms: 1e6, s: 1e9, B: 1, KiB: 1024, MiB: 2 ** 20,
    '/s': 1, 'k/s': 1e3, 'M/s': 1e6, 'MB/s': 1e6, 'GB/s': 1e9,
  };
  const key = text => {
    const [number, unit] = text.split(' ');
    const value = number === '' ? NaN : +number;
    return Number.isNaN(value) ? text : value * (units[unit] || 1);
  };
  // Empty cells stay at the end in both orders.
  const compare = (a, b) => {
    if (a === '' || b === '') return null;
    return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en');
  };
  const sort = (heading, column) => {
    const descending = heading.getAttribute('aria-sort') === 'ascending';
    for (const other of all('th', table)) other.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    const rows = [...body.rows].map(row => [key(row.cells[column].textContent.trim()), row]);
    rows.sort(([a], [b]) => compare(a, b) === null ? (a === '') - (b === '') : compare(a, b) * (descending ? -1 : 1));
    body.append(...rows.map(([, row]) => row));
  };
  all('th', table).forEach((heading, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = heading.textContent.trim() || 'remarks';
    heading.replaceChildren(button);
    button.addEventListener('click', () => sort(heading, column));
  });
  document.getElementById('filter').addEventListener('input', event => {
    const words = event.target.value.toLowerCase().split(' ').filter(Boolean);
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.classList.toggle('away', !words.every(word => text.includes(word)));
    }
  });
})();
