"use strict";
(() => {
  const data = JSON.parse(document.getElementById("rows").textContent);
  // A row is: number, kind, status, change, code, message, then its cells. A text that cannot be shown as it came is a pair: [shown, as it came].
  const NUMBER = 0, KIND = 1, CODE = 4, MESSAGE = 5, FIRST = 6;
  const SLICE = 100, PRINTED = 1000, COLUMNS = 40, LONGEST = 600;
  const shown = (text) => (Array.isArray(text) ? text[0] : text);
  const raw = (text) => (Array.isArray(text) ? text[1] : text);
  const element = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const figure = (number) => number.toLocaleString("en-US");

  const state = { words: [], kinds: new Set(), code: "", only: "", column: NUMBER, down: false, from: 0, found: null, size: SLICE };
  let view = data.rows;

  // ------------------------------------------------------------------------------------------------- which rows, in which order

  const texts = new Map();
  function haystack(row) {
    if (!texts.has(row)) {
      texts.set(row, [row[NUMBER], data.words[row[KIND]], row[CODE], ...row.slice(MESSAGE).map(shown)].join("\n").toLowerCase());
    }
    return texts.get(row);
  }

  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  function key(row) {
    return state.column === KIND ? data.words[row[KIND]] : String(shown(row[state.column]));
  }

  function choose() {
    view = data.rows.filter((row) =>
      (!state.kinds.size || state.kinds.has(row[KIND])) &&
      (!state.only || (row[KIND] === state.only && row[CODE] === state.code)) &&
      state.words.every((word) => haystack(row).includes(word)));
    if (state.column !== NUMBER) {
      const keyed = view.map((row) => [key(row), row]);
      keyed.sort((one, other) => collator.compare(one[0], other[0]));
      view = keyed.map((pair) => pair[1]);
    }
    if (state.down) {
      view.reverse();
    }
    state.from = 0;
    draw();
  }

  // --------------------------------------------------------------------------------------------------------------- drawing

  const columns = [[NUMBER, "Row"], ...data.headers.slice(0, COLUMNS).map((header, place) => [FIRST + place, shown(header) || "(no header)"]),
    [KIND, "Status"], [MESSAGE, data.message]];

  // The roles are those that the elements have; a narrow screen shows rows as blocks, and would take the roles away.
  function head() {
    const row = make("tr");
    row.role = "row";
    for (const [column, word] of columns) {
      const cell = make("th"), button = make("button", word);
      cell.scope = "col";
      cell.role = "columnheader";
      button.type = "button";
      button.addEventListener("click", () => {
        state.down = state.column === column && !state.down;
        state.column = column;
        choose();
      });
      cell.append(button);
      row.append(cell);
    }
    const top = make("thead");
    top.role = "rowgroup";
    top.append(row);
    return top;
  }

  function make(tag, text) {
    const made = document.createElement(tag);
    if (text !== undefined) {
      made.textContent = text;
    }
    return made;
  }

  function cut(text) {
    return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${figure(text.length - LONGEST)} more characters)`;
  }

  function line(row) {
    const made = make("tr");
    made.role = "row";
    made.id = `row-${row[NUMBER]}`;
    for (const [column, word] of columns) {
      const cell = make(column === NUMBER ? "th" : "td");
      cell.dataset.label = word;
      cell.role = column === NUMBER ? "rowheader" : "cell";
      if (column === NUMBER) {
        cell.scope = "row";
        cell.className = "number";
        cell.textContent = row[NUMBER];
      } else if (column === KIND) {
        cell.className = "status";
        const pill = make("span", data.words[row[KIND]]);
        pill.className = `pill ${row[KIND]}`;
        cell.append(pill);
      } else {
        cell.textContent = cut(shown(row[column] ?? ""));
        if (column === MESSAGE) {
          cell.className = "message";
        }
      }
      made.append(cell);
    }
    if (row === state.found) {
      made.className = "found";
      made.tabIndex = -1;
    }
    return made;
  }

  function draw() {
    const slice = view.slice(state.from, state.from + state.size), body = make("tbody");
    body.role = "rowgroup";
    body.append(...slice.map(line));
    const table = element("table");
    table.querySelector("tbody")?.remove();
    table.append(body);
    all("#table thead th").forEach((cell, place) => {
      const sorted = columns[place][0] === state.column;
      if (sorted) {
        cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      } else {
        cell.removeAttribute("aria-sort");
      }
    });
    tell(slice.length);
  }

  function tell(drawn) {
    const rows = view.length === data.rows.length ? `${figure(view.length)} rows` : `${figure(view.length)} of ${figure(data.rows.length)} rows`;
    const why = state.only ? ` (${data.reasons[state.code] ?? data.words[state.only]})` : "";
    const wide = data.headers.length > COLUMNS ? `, the first ${COLUMNS} of ${figure(data.headers.length)} columns` : "";
    element("shown").textContent = view.length ? `${rows}${why}${wide}.` : `No row fits${why}. Clear the search, or show all rows.`;
    element("place").textContent = view.length ? `${figure(state.from + 1)} to ${figure(state.from + drawn)} of ${figure(view.length)}` : "";
    element("back").disabled = state.from === 0;
    element("forth").disabled = state.from + drawn >= view.length;
    document.querySelector(".pages").hidden = view.length <= state.size;
    element("clear").hidden = view.length === data.rows.length;
    element("save").disabled = !view.length;
    all(".chip").forEach((chip) => chip.setAttribute("aria-pressed", String(state.kinds.has(chip.dataset.kind))));
  }

  function everything() {
    state.words = [];
    state.kinds.clear();
    state.only = state.code = "";
    element("search").value = "";
  }

  function turn(to) {
    state.from = Math.max(0, to);
    draw();
    element("window").scrollTop = 0;
  }

  function jump() {
    const number = Number(/^#row-(\d+)$/.exec(location.hash)?.[1]);
    const row = number && data.rows.find((one) => one[NUMBER] === number);
    if (!row) {
      return;
    }
    state.found = row;
    if (!view.includes(row)) {
      everything();
      choose();
    }
    state.from = Math.floor(view.indexOf(row) / state.size) * state.size;
    draw();
    const drawn = element(`row-${number}`);
    drawn.scrollIntoView({ block: "center" });
    drawn.focus({ preventScroll: true });
  }

  // --------------------------------------------------------------------------------------------------------------- saving

  // As in results.csv: an apostrophe before what a spreadsheet program would take for a formula; a lone dash stays.
  const guard = (text) => (text !== "-" && /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text);
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const cell = (text) => quote(guard(String(raw(text)).replaceAll("\0", "?")));

  function save(rows, name) {
    const lines = [[...data.headers, ...data.columns],
      ...rows.map((row) => [...row.slice(FIRST), row[NUMBER], row[2], row[3], row[CODE], row[MESSAGE]])];
    const text = `\ufeff${lines.map((cells) => cells.map(cell).join(",")).join("\r\n")}\r\n`;
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = `${name}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  // --------------------------------------------------------------------------------------------------------------- hands on

  element("search").addEventListener("input", (event) => {
    state.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    choose();
  });
  all(".chip").forEach((chip) => chip.addEventListener("click", () => {
    state.kinds.has(chip.dataset.kind) ? state.kinds.delete(chip.dataset.kind) : state.kinds.add(chip.dataset.kind);
    state.only = state.code = "";
    choose();
  }));
  element("clear").addEventListener("click", () => {
    everything();
    choose();
    element("search").focus();
  });
  element("back").addEventListener("click", () => turn(state.from - state.size));
  element("forth").addEventListener("click", () => turn(state.from + state.size));
  element("save").addEventListener("click", () => save(view, `${data.file}-rows`));
  all("[data-show]").forEach((button) => button.addEventListener("click", () => {
    everything();
    state.only = button.dataset.kind;
    state.code = button.dataset.show;
    choose();
    element("all").scrollIntoView();
    element("all").focus({ preventScroll: true });
  }));
  all("[data-save]").forEach((button) => button.addEventListener("click", () => {
    const rows = data.rows.filter((row) => row[KIND] === button.dataset.kind && row[CODE] === button.dataset.save);
    save(rows, `${data.file}-${button.dataset.save}`);
  }));
  addEventListener("hashchange", jump);
  // A second click on the same link changes nothing in the address.
  addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#row-"]');
    if (link && link.hash === location.hash) {
      event.preventDefault();
      jump();
    }
  });

  // On paper nothing can be opened or turned.
  let closed = [], before = 0;
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    closed.forEach((part) => { part.open = true; });
    before = state.from;
    [state.size, state.from] = [PRINTED, 0];
    draw();
    if (view.length > PRINTED) {
      element("shown").textContent += ` The first ${figure(PRINTED)} are printed.`;
    }
  });
  addEventListener("afterprint", () => {
    closed.forEach((part) => { part.open = false; });
    [state.size, state.from] = [SLICE, before];
    draw();
  });

  element("table").append(head());
  all(".tools, .actions, #window").forEach((part) => { part.hidden = false; });
  choose();
  jump();
})();
