/* The search box of every page, and the page of the search.

Nothing is loaded before the box has the focus. Then a classic script, which also loads from file://,
sets `mapSearch = {Engine, index}`, and a second one `mapSearch.details`: formulas, sentences and
works. Text becomes text nodes only; the formulas' MathML was written by the build.
*/
"use strict";
{
  const FACETS = {
    domain: ["Domain", "index"],
    kind: ["Kind of role", "facets"],
    system: ["System", "systems"],
    work: ["Work", "references"],
    year: ["Year", "facets"],
    library: ["Library", "facets"],
  };
  const LONGEST = 2000; // characters of a query
  const root = document.documentElement.dataset.content_root;
  const form = document.querySelector("form[role=search]");
  const input = form?.elements.q;

  const element = (tag, name, ...children) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.append(...children);
    return made;
  };

  const link = (href, name, ...children) => {
    const made = element("a", name, ...children);
    made.href = href;
    return made;
  };

  // Recent queries -------------------------------------------------------------------------------

  const recent = {
    get: () => {
      try {
        const kept = JSON.parse(localStorage.getItem("recent-queries"));
        return Array.isArray(kept) ? kept.filter((q) => typeof q === "string") : [];
      } catch {
        return [];
      }
    },
    set: (queries) => {
      try {
        localStorage.setItem("recent-queries", JSON.stringify(queries.slice(0, 6)));
      } catch {
        // It is full or forbidden: the search does without.
      }
    },
    add: (query) => {
      const text = query.trim().slice(0, 200);
      if (text) recent.set([text, ...recent.get().filter((q) => q !== text)]);
    },
  };

  // The engine -----------------------------------------------------------------------------------

  const script = (name) =>
    new Promise((resolve, reject) => {
      const made = element("script");
      made.src = `${root}_static/${name}`;
      made.onload = resolve;
      made.onerror = reject;
      document.head.append(made);
    });

  let loading;
  const load = () =>
    (loading ??= script("search/index.js").then(() => {
      const { Engine, index } = window.mapSearch;
      const entries = new Map(index.entries.map((e) => [e.name, e]));
      return { engine: new Engine(index), entries };
    }));

  let completing;
  const complete = () =>
    (completing ??= load().then(async ({ engine }) => {
      await script("search/details.js");
      engine.complete(window.mapSearch.details);
      idle((deadline) => engine.prepare(() => deadline.timeRemaining() > 4));
    }));

  /* Call again and again when the page has nothing else to do, until it says that all is done. */
  const idle = (work) => {
    if (!window.requestIdleCallback) return; // the first query with a formula in it does it then
    requestIdleCallback((deadline) => work(deadline) || idle(work));
  };

  const address = (query, chosen = {}) => {
    const pairs = Object.entries(chosen).flatMap(([f, values]) => values.map((v) => [f, v]));
    const terms = [...(query ? [["q", query]] : []), ...pairs];
    return `${root}search.html${terms.length ? "?" : ""}${new URLSearchParams(terms)}`;
  };

  const total = ({ facets }) => Object.values(facets.domain ?? {}).reduce((a, b) => a + b, 0);

  const READ = { words: "", formula: ", read as a formula", both: ", read as words and as a formula" };

  /* What was found and how the query was read: text, and a link to another spelling. */
  const told = (found) => {
    const { kind, didYouMean } = found.understood;
    const count = total(found);
    const parts = [`${count || "No"} ${count === 1 ? "entry" : "entries"}${READ[kind]}.`];
    if (didYouMean) parts.push(" Did you mean ", link(address(didYouMean), "", didYouMean), "?");
    return parts;
  };

  const failed = () => [
    "The search did not load. All names stand in the ",
    link(form.action, "", "index of names"),
    ".",
  ];

  // Formulas -------------------------------------------------------------------------------------

  const shown = new Map();
  const rendered = (entry) => {
    if (!entry.mathml) return element("code", "", entry.latex); // the details are on their way
    if (!shown.has(entry.name)) {
      const page = new DOMParser().parseFromString(entry.mathml, "text/html");
      shown.set(entry.name, page.querySelector("math"));
    }
    return shown.get(entry.name).cloneNode(true);
  };

  const NAMED = /\\(?:operatorname\*?|mathrm|text|mathit)\s*\{([^{}\\]*)\}/.source;
  const TOKEN = new RegExp(`${NAMED}|\\\\[A-Za-z]+|\\\\.|\\d+(?:\\.\\d+)?|[^\\s{}^_&]`, "g");
  const SILENT =
    /^\\(.?frac|sqrt|left|right|[Bb]ig+[lrm]?|math.*|text.*|operatorname|hat|bar|tilde|vec|(over|under).*|begin|end|q?quad|[^A-Za-z|])$/;
  const SAME = { "−": "-", "∗": "*", "∣": "|", "′": "'" };
  const plain = (text) => text.trim().normalize("NFKC").replace(/[−∗∣′]/g, (c) => SAME[c]);

  /* How well a token of LaTeX and a leaf of MathML agree. */
  const agreement = (token, leaf) => {
    if (token === leaf || token === `\\${leaf}`) return 3;
    return token[0] === "\\" && !SILENT.test(token) && /^[^\x00-\x7f]$/u.test(leaf) ? 1 : 0;
  };

  /* Where in the LaTeX the leaves of the MathML stand: the best alignment that keeps the order. */
  const positions = (latex, leaves) => {
    const tokens = [...latex.matchAll(TOKEN)].map((m) => [plain(m[1] ?? m[0]), m.index]);
    const texts = leaves.map((leaf) => plain(leaf.textContent));
    const best = Array.from({ length: tokens.length + 1 }, () => Array(texts.length + 1).fill(0));
    for (let i = tokens.length - 1; i >= 0; i--)
      for (let j = texts.length - 1; j >= 0; j--) {
        const agreed = agreement(tokens[i][0], texts[j]);
        const both = agreed && agreed + best[i + 1][j + 1];
        best[i][j] = Math.max(both, best[i + 1][j], best[i][j + 1]);
      }
    const found = new Map();
    for (let i = 0, j = 0; i < tokens.length && j < texts.length; ) {
      const agreed = agreement(tokens[i][0], texts[j]);
      if (agreed && best[i][j] === agreed + best[i + 1][j + 1]) found.set(leaves[j++], tokens[i++][1]);
      else if (best[i][j] === best[i + 1][j]) i++;
      else j++;
    }
    return found;
  };

  const mark = (math, latex, ranges) => {
    const leaves = [...math.querySelectorAll("mi, mn, mo, mtext")];
    const places = positions(latex, leaves);
    const isMatched = (leaf) => ranges.some(([a, b]) => a <= places.get(leaf) && places.get(leaf) < b);
    const visit = (node) => {
      const inside = leaves.filter((leaf) => node.contains(leaf) && places.has(leaf));
      if (inside.length && inside.every(isMatched)) node.classList.add("matched");
      else [...node.children].forEach(visit);
    };
    visit(math);
  };

  /* Long formulas are scrolled to the part that matched; where they scroll by hand, by keyboard too. */
  const reveal = (formulas, isScrolled) => {
    for (const formula of formulas) {
      const edge = formula.getBoundingClientRect();
      const part = formula.querySelector(".matched")?.getBoundingClientRect();
      if (part && part.right > edge.right) formula.scrollLeft = part.left - edge.left - 32;
      if (isScrolled && formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    }
  };

  /* Another name of the entry that has all words of the query, where the concept has not. */
  const alias = (entry, query) => {
    const words = query.toLowerCase().match(/[\p{L}\d]{2,}/gu) ?? [];
    const has = (name) => words.length && words.every((w) => name.toLowerCase().includes(w));
    const found = !has(entry.concept) && entry.also.find(has);
    return found ? [element("span", "hit-also", `also called ${found}`)] : [];
  };

  /* Concept, other name and domain; formula; a line of role. */
  const hit = ({ name, matched }, query, entries, concept) => {
    const entry = entries.get(name);
    const math = rendered(entry);
    if (matched.length && entry.mathml) mark(math, entry.latex, matched);
    const domain = element("span", "hit-domain", label("domain", entry.domain));
    const [kind, system] = entry.roles[0];
    const role = `${kind} · ${system}${entry.texts ? `: ${entry.texts[0]}` : ""}`;
    concept.append(entry.concept);
    return [
      element("span", "hit-head", concept, ...alias(entry, query), domain),
      element("span", "hit-formula", math),
      element("span", "hit-role", role),
    ];
  };

  /* A section of a page that is no entry. */
  const guide = ({ title, heading }, concept) => {
    concept.append(heading === title ? title : `${title}: ${heading}`);
    return element("span", "hit-head", concept, element("span", "hit-domain", "page"));
  };

  /* Such sections stand before the entries where the query is rather theirs, else behind. */
  const joined = ({ isGuide }, guides, hits) => (isGuide ? [...guides, ...hits] : [...hits, ...guides]);

  /* A value of a facet in words. */
  const label = (facet, value, works) => {
    if (facet === "work" && Object.hasOwn(works, value)) return `${works[value][2]} (${works[value][1]})`;
    return facet === "domain" ? value.replaceAll("_", " ") : value;
  };

  const page = (name) => `${root}entries/${name}.html`;

  // The box: a combobox with a list box ------------------------------------------------------------

  const box = () => {
    const list = element("div", "search-list");
    const status = element("p", "search-status");
    const narrow = element("div", "search-narrow");
    const panel = element("div", "search-panel", status, narrow, list);
    const announced = element("p", "visually-hidden");
    let options = [];
    let active = -1;
    let announcing;

    list.id = "search-list";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Results");
    announced.setAttribute("role", "status");
    panel.hidden = true;
    form.append(panel, announced);
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-controls": list.id,
      "aria-expanded": "false",
      "aria-keyshortcuts": "/ Control+K",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
    }))
      input.setAttribute(name, value);

    const choose = (i) => {
      options[active]?.setAttribute("aria-selected", "false");
      active = i;
      options[active]?.setAttribute("aria-selected", "true");
      options[active]?.scrollIntoView({ block: "nearest" });
      if (options[active]) input.setAttribute("aria-activedescendant", options[active].id);
      else input.removeAttribute("aria-activedescendant");
    };

    const open = (isOpen) => {
      panel.hidden = !isOpen;
      input.setAttribute("aria-expanded", String(isOpen && options.length > 0));
      if (!isOpen) choose(-1);
    };

    const show = (line, made, filters = []) => {
      choose(-1);
      narrow.hidden = !filters.length;
      narrow.replaceChildren(...filters);
      options = made;
      options.forEach((option, i) => {
        option.id = `search-option-${i}`;
        option.tabIndex = -1;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
      });
      list.hidden = !options.length;
      list.replaceChildren(...options);
      list.scrollTop = 0;
      status.replaceChildren(...line);
      open(line.length > 0);
      clearTimeout(announcing);
      announcing = setTimeout(() => (announced.textContent = status.textContent), 300);
    };

    const option = (href, ...children) => link(href, "hit", ...children);

    /* Buttons that add a filter to the query: of each facet the values that most results have. */
    const filters = (found, query) => {
      const count = total(found);
      return ["domain", "kind", "library", "year"].flatMap((facet) =>
        Object.entries(found.facets[facet] ?? {})
          .filter(([, n]) => n > 1 && n < count)
          .sort((a, b) => b[1] - a[1])
          .slice(0, 2)
          .map(([value, n]) => {
            const made = element("button", "", `${label(facet, value)} `, element("small", "", String(n)));
            const quoted = /\s/.test(value) ? `"${value}"` : value;
            made.type = "button";
            made.setAttribute("aria-label", `Only ${FACETS[facet][0].toLowerCase()} ${label(facet, value)}: ${n}`);
            made.onclick = () => {
              input.value = `${query.trim()} ${facet}:${quoted} `;
              input.focus();
              update();
            };
            return made;
          }),
      );
    };

    const results = ({ engine, entries }, query) => {
      const found = engine.search(query, { limit: 8 });
      const made = found.results.map((result) => {
        const made = option(page(result.name));
        made.append(...hit(result, query, entries, element("span", "hit-concept")));
        made.querySelector(".hit-formula").setAttribute("aria-hidden", "true");
        return made;
      });
      const guides = found.guides.map((g) => option(root + g.page, guide(g, element("span", "hit-concept"))));
      const count = total(found);
      const all = made.length ? [option(address(query), "All results, with filters")] : [];
      show(told(found), [...joined(found, guides, made), ...all], count > 8 ? filters(found, query) : []);
      reveal(list.querySelectorAll(".hit-formula"), false);
    };

    const update = async () => {
      const query = input.value.slice(0, LONGEST);
      if (!query.trim()) {
        const queries = recent.get();
        const forget = element("button", "", "Forget them");
        forget.type = "button";
        forget.onclick = () => {
          recent.set([]);
          input.focus();
          update();
        };
        const made = queries.map((q) => option(address(q), q));
        return show(made.length ? ["Recent queries. ", forget] : [], made);
      }
      try {
        const loaded = await load();
        if (query === input.value.slice(0, LONGEST)) results(loaded, query);
      } catch {
        show(failed(), []);
      }
    };

    input.addEventListener("focus", () => {
      load().catch(() => show(failed(), []));
      complete().then(() => panel.hidden || active >= 0 || update(), () => {});
      update();
    });
    input.addEventListener("input", update);
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && options.length) {
        open(true);
        const places = options.length + 1; // one of them is the input
        choose(((active + 1 + step + places) % places) - 1);
      } else if (event.key === "Enter" && options[active]) {
        options[active].click();
      } else if (event.key === "Escape" && !panel.hidden) {
        open(false);
      } else {
        return;
      }
      event.preventDefault();
    });
    list.addEventListener("click", () => recent.add(input.value));
    form.addEventListener("focusout", (event) => {
      if (!form.contains(event.relatedTarget)) open(false);
    });
    panel.addEventListener("mousedown", (event) => {
      if (!event.target.closest("button, .search-status a")) event.preventDefault(); // keeps the focus
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      recent.add(input.value);
      location.href = address(input.value.slice(0, LONGEST).trim());
    });
  };

  // The page: results as a list, with filters ------------------------------------------------------

  const searchPage = (target) => {
    const status = element("p", "search-status");
    const filters = element("div", "search-facets");
    const list = element("ol", "search-hits");
    const more = element("button", "search-more", "More results");
    const clear = element("button", "search-clear", "Clear the filters");
    const terms = new URLSearchParams(location.search);
    const chosen = {};
    for (const facet of Object.keys(FACETS)) chosen[facet] = terms.getAll(facet);
    let limit = 20;

    status.setAttribute("role", "status");
    more.type = clear.type = "button";
    more.hidden = true;
    target.append(status, filters, list, more);
    input.value = (terms.get("q") ?? "").slice(0, LONGEST);

    const facet = (name, counts, works, isOpen) => {
      const [title, all] = FACETS[name];
      const values = Object.entries(counts ?? {}).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
      const first = values.filter(([v], i) => i < 20 || chosen[name].includes(v));
      const gone = chosen[name].filter((v) => !values.some(([w]) => w === v)).map((v) => [v, 0]);
      const count = chosen[name].length ? ` (${chosen[name].length})` : "";
      const made = element("details", "", element("summary", "", title + count));
      const group = element("div", "search-values");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", title);
      for (const [value, n] of [...gone, ...first]) {
        const check = element("input");
        check.type = "checkbox";
        check.value = value;
        check.checked = chosen[name].includes(value);
        check.onchange = () => {
          chosen[name] = check.checked
            ? [...chosen[name], value]
            : chosen[name].filter((v) => v !== value);
          update();
          [...filters.querySelectorAll(`[data-facet="${name}"] input`)]
            .find((c) => c.value === value)
            ?.focus();
        };
        group.append(element("label", "", check, ` ${label(name, value, works)} `, element("small", "", String(n))));
      }
      group.append(link(`${root}${all}.html`, "", "Browse all"));
      made.append(group);
      made.dataset.facet = name;
      made.open = isOpen;
      return made;
    };

    const results = ({ engine, entries }, query) => {
      const found = engine.search(query, { limit, filters: chosen });
      const without = (f) => engine.search(query, { limit: 0, filters: { ...chosen, [f]: [] } });
      const counts = (f) => (chosen[f].length ? without(f) : found).facets[f];
      const opened = [...filters.querySelectorAll("[open]")].map((d) => d.dataset.facet);
      const items = found.results.map((result) => {
        const concept = link(page(result.name), "hit-concept");
        return element("li", "hit", ...hit(result, query, entries, concept));
      });
      const guides = found.guides.map((g) => element("li", "hit", guide(g, link(root + g.page, "hit-concept"))));
      list.replaceChildren(...joined(found, guides, items));
      reveal(list.querySelectorAll(".hit-formula"), true);
      more.hidden = items.length >= total(found);
      status.replaceChildren(...told(found));
      filters.replaceChildren(
        ...Object.keys(FACETS).map((f) => facet(f, counts(f), engine.works, opened.includes(f))),
        ...(Object.values(chosen).flat().length ? [clear] : []),
      );
    };

    const update = async () => {
      const query = input.value.slice(0, LONGEST).trim();
      history.replaceState(null, "", address(query, chosen));
      if (!query && !Object.values(chosen).flat().length) {
        more.hidden = true;
        return [status, filters, list].forEach((part) => part.replaceChildren());
      }
      try {
        const loaded = await load();
        if (query === input.value.slice(0, LONGEST).trim()) results(loaded, query);
      } catch {
        status.replaceChildren(...failed());
      }
    };

    const begin = () => {
      load().catch(() => status.replaceChildren(...failed()));
      complete().then(update, () => {});
    };
    input.addEventListener("focus", begin, { once: true });
    input.addEventListener("input", () => {
      limit = 20;
      update();
    });
    clear.addEventListener("click", () => {
      for (const name of Object.keys(chosen)) chosen[name] = [];
      update();
      input.focus();
    });
    more.addEventListener("click", () => {
      limit += 20;
      const formulas = () => list.querySelectorAll(".hit-formula");
      const count = formulas().length;
      update().then(() => formulas()[count]?.closest(".hit").querySelector("a").focus());
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      recent.add(input.value);
    });
    recent.add(input.value);
    update();
    if (terms.size) begin();
    input.focus();
  };

  if (form) {
    const target = document.getElementById("search-results");
    if (target) searchPage(target);
    else box();
    document.addEventListener("keydown", (event) => {
      const isCtrlK = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
      const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
      const isTyping = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
      if (!isCtrlK && (!isSlash || isTyping)) return;
      event.preventDefault();
      const drawer = document.getElementById("__navigation");
      if (input.getBoundingClientRect().right <= 0) drawer.checked = true;
      input.focus();
      input.select();
    });
  }
}
