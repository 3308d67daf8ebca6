/** An engine as three texts, and back: what a query does not ask for is not even parsed. */

import MiniSearch from "./minisearch.js";
import { Engine, Units, letters } from "./engine.js";
import { FormulaIndex } from "./formula.js";

const KEPT = ["name", "domain", "roles", "works", "libraries", "used"];
const marked = (isTrue) => (isTrue ? "*" : "");

/** Lines whose first column is a key; a column is read when it is asked for. */
class Table {
  constructor(text) {
    this.rows = new Map(text.split("\n").map((line) => [line.slice(0, line.indexOf("\t")), line]));
  }
  column(i, read) {
    const found = new Map();
    return {
      get: (key) => {
        if (!found.has(key)) {
          const text = this.rows.get(key)?.split("\t")[i];
          found.set(key, text ? read(text) : undefined);
        }
        return found.get(key);
      },
      has: (key) => this.rows.has(key),
    };
  }
}
const numbers = (text) => text.split(" ").map(Number);

/** Of a term, by field, how often a document has it: "0:12=1,14=2;3:12=1". */
const written = (fields) => Object.entries(fields).map(([f, docs]) => `${f}:${Object.entries(docs).map((d) => d.join("="))}`).join(";");
const read = (text) => Object.fromEntries(text.split(";").map((field) => {
  const [f, docs] = field.split(":");
  return [f, Object.fromEntries(docs.split(",").map((d) => d.split("=").map(Number)))];
}));

/** What is known of entries, of words, and of formulas. */
export function save(engine) {
  engine.prepare();
  const { entries, works, vocabulary, stems, holders, units, formulas } = engine;
  const indexes = engine.indexes.map((each) => each.toJSON());
  const terms = indexes.map(({ index }) => new Map(index.map(([term, fields]) => [term, written(fields)])));
  const rows = [...stems].map(([term, isName]) =>
    [term, marked(isName), holders.get(term)?.size ?? 0, (units.postings.get(term) ?? []).join(" "), ...terms.map((t) => t.get(term) ?? "")].join("\t"));
  return [
    JSON.stringify({
      entries: entries.map((e) => Object.fromEntries(KEPT.map((key) => [key, e[key]]))),
      works,
      vocabulary: [...vocabulary].map(([word, isName]) => marked(isName) + word).join(" "),
      units: units.all.map(({ doc, kind, own, weight }) => [doc, kind, own.length, weight]),
      indexes: indexes.map((each) => ({ ...each, index: [] })),
    }),
    rows.join("\n"),
    JSON.stringify({
      units: formulas.units.map(({ doc, share }, id) => [doc, share, formulas.worth(id)]),
      defined: [...formulas.defined],
      postings: [...formulas.postings].map(([key, ids]) => `${key}\t${ids.join(" ")}`).join("\n"),
    }),
  ];
}

/** An engine that answers as the one that was saved; formulas is a function, since many queries do without. */
export function restore(known, words, formulas) {
  const { entries, works, vocabulary, units, indexes } = JSON.parse(known);
  const terms = new Table(words);
  const engine = Object.assign(Object.create(Engine.prototype), { entries, works, guides: [], read: entries.length, vocabulary: new Map(), units: new Units() });
  for (const word of vocabulary.split(" ")) {
    if (word[0] === "*") engine.vocabulary.set(word.slice(1), true);
    else engine.vocabulary.set(word, false);
  }
  engine.lengths = { get: (n) => [...engine.vocabulary].filter(([other]) => other.length === n).map(([other, isName]) => ({ other, mask: letters(other), isName })) };
  engine.stems = terms.column(1, Boolean);
  engine.holders = terms.column(2, (size) => ({ size: Number(size) }));
  engine.units.all = units.map(([doc, kind, length, weight]) => ({ doc, kind, own: { length }, weight }));
  engine.units.postings = terms.column(3, numbers);
  engine.indexes = indexes.map((saved, i) => {
    const fields = terms.column(4 + i, read);
    return {
      search(query, options) {
        const index = query.split(" ").map((term) => [term, fields.get(term)]).filter(([, found]) => found);
        return MiniSearch.loadJS({ ...saved, index }, { fields: Object.keys(saved.fieldIds) }).search(query, options);
      },
    };
  });
  let index;
  Object.defineProperty(engine, "formulas", { get: () => (index ??= restored(JSON.parse(formulas()))) });
  return engine;
}

/** Without the trees of entries, which say where a page is to mark what matches. */
function restored({ units, defined, postings }) {
  const index = new FormulaIndex();
  index.defined = new Map(defined);
  index.units = units.map(([doc, share]) => ({ doc, share }));
  index.worths = units.map((unit) => unit[2]);
  index.postings = new Table(postings).column(1, numbers);
  return index;
}
