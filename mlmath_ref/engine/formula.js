/** An index of formulas: paths, neighbors and subtrees of their trees, weighed by rarity. */

import { GREEK_NAMES, FUNCTIONS } from "./lexer.js";
import { parse, isGiven, bare, rewritten, normal, subs, NAMED, LARGE, SORTED, ofName, exactName, isWord, wildName, exact, wild, size } from "./parser.js";

const label = (n) => (isGiven(n) ? "x" : n.op === "num" ? n.v : n.op === "sym" || n.op === "fn" ? wildName(n) : n.op);

/** The tree with letters numbered as they come: the same for other letters; with indices, too. */
function renamed(n, withIndices) {
  const seen = new Map();
  const walk = (m) => {
    if (m.op === "num" && !isGiven(m)) return m.v;
    if (m.op === "sym" || m.op === "num") {
      if (NAMED.has(m.v)) return m.v;
      const own = exactName(m) + (withIndices ? subs(m) : ofName(m));
      if (!seen.has(own)) seen.set(own, seen.size);
      return `$${seen.get(own)}`;
    }
    return `${m.op === "fn" ? wildName(m) : m.op}(${ordered(m).map(walk).join()})`;
  };
  return walk(n);
}
const ordered = (n) => (n.ordered ??= SORTED.has(n.op) ? [...n.args].sort((a, b) => (wild(a) < wild(b) ? -1 : wild(a) > wild(b) ? 1 : 0)) : n.args);

/** Index letters as they come, renamed: A_ij B_jk is ab·bc. */
function indices(n) {
  const seen = new Map();
  const parts = [];
  const walk = (m) => {
    if (parts.length > 6) return;
    if (m.sub) parts.push(m.sub.map((s) => indexShape(s, seen)).join(""));
    m.args.forEach(walk);
  };
  walk(n);
  return parts;
}
function indexShape(n, seen) {
  if (n.op === "num") return n.v;
  if (n.op === "sym") {
    if (n.v.length > 1 && !GREEK_NAMES.has(n.v)) return "w";
    if (!seen.has(n.v)) seen.set(n.v, "abcdefghijkl"[seen.size] ?? "z");
    return seen.get(n.v);
  }
  const args = n.args.map((a) => indexShape(a, seen)).join("");
  return n.op === "mul" || n.op === "list" ? args : `${n.op}(${args})`;
}

/** Features of statements, with weights: Map of text to weight. */
export function features(trees) {
  const found = new Map();
  const add = (key, weight) => {
    if (!(found.get(key) >= weight)) found.set(key, weight);
  };
  const visit = (n, parent, above) => {
    const own = label(n);
    if (n.op === "num") add(`n${n.v}`, /^[0-4]$/.test(n.v) ? 0.3 : 3);
    else if (n.op === "sym" || n.op === "fn") {
      add(`s${n.v}`, isWord(n) || (n.v.length > 2 && !GREEK_NAMES.has(n.v)) ? 1.8 : 0.25);
    } else add(`o${n.op}`, 0.7);
    if (n.call) add(`c${n.v}${n.call.length}${n.call[0]?.op === "|" ? "|" : ""}`, /^[A-Z]/.test(n.v) ? 3 : n.call[0]?.op === "|" ? 2 : 0.5);
    if (n.slope) add("o∇", 0.8);
    if (n.acc) add(`a${n.acc}`, 0.4);
    if (n.marked) add("m", 0.4);
    if (n.sub) {
      const text = n.sub.map((s) => indexShape(s, new Map())).join("");
      add(`i${text}`, 0.3);
      if (n.op !== "sym" || /[^a-z]/.test(text)) add(`j${own}_${text}`, 0.4);
    }
    if (parent) add(`p${label(parent)}>${own}`, 1);
    if (above) add(`g${label(above)}>${label(parent)}>${own}`, 1.3);
    if (n.args.length) {
      const total = size(n);
      const weight = Math.min(1.5, 0.2 + 0.15 * Math.sqrt(total));
      if (total <= LARGE) add(`w${wild(n)}`, weight);
      if (total < 40) {

        add(`r${renamed(n, false)}`, weight);
        add(`q${renamed(n, true)}`, 0.5 * weight);
        add(`e${exact(n)}`, 0.4 * weight);
      }
      const below = n.args.map((a) => (a.args.length ? `${label(a)}(${a.args.map(label).sort().join()})` : label(a)));
      for (let i = 0; i < below.length && i < 8; i++) {
        for (let j = i + 1; j < below.length && j < 8; j++) {
          const pair = SORTED.has(n.op) && below[i] > below[j] ? [below[j], below[i]] : [below[i], below[j]];
          add(`b${own}:${pair}`, 1);
        }
      }
      if (n.op === "=" || n.op === "mul" || n.op === "Σ" || n.op === "add" || n.op === "∂") {
        const pattern = indices(n);
        if (pattern.length > 0 && pattern.length <= 4) add(`k${n.op}:${pattern}`, 2);
      }
      if (n.wrt) {
        n.wrt.forEach((w) => w && visit(w, n, parent));
        add(`d${n.wrt.length}:${indices({ args: [...n.args, ...n.wrt.filter(Boolean)] })}`, 1);
        add(`d${n.wrt.length}`, 1);
      }
    }
    n.args.forEach((a) => visit(a, n, parent));
  };
  trees.forEach((n) => visit(n, null, null));
  return found;
}

/** Functions of any arguments as one letter: f_t(g(x), y). */
function closed(n) {
  if (n.op === "fn" && (n.v.length === 1 || GREEK_NAMES.has(n.v) || !FUNCTIONS.has(n.v)) && n.v !== "sigma") return { op: "sym", v: n.v, args: [], sub: n.sub, acc: n.acc, s: n.s, e: n.e };
  return rewritten({ ...bare(n), args: n.args.map(closed) });
}

/** Matrices without transposition, which is a matter of convention. */
const upright = (n) => (n.op === "T" ? upright(n.args[0]) : rewritten({ ...bare(n), args: n.args.map(upright) }));

/** What is left without a sign, a factor or the sum around it. */
function core(n) {
  if (n.op === "neg" || n.op === "Σ" || n.limits) return n.args[0];
  if (n.op !== "mul") return undefined;
  const large = n.args.filter((a) => size(a) > 3);
  return large.length === 1 ? large[0] : undefined;
}

/** The first statement with what the others define put in its place. */
function inlined(trees) {
  const defined = new Map();
  for (const n of trees.slice(1)) {
    const [left, right] = n.args;
    if (n.op === "=" && left.op === "sym" && !defined.has(exact(left))) defined.set(exact(left), right);
  }
  if (!defined.size) return undefined;
  let count = 0;
  const put = (n, depth) => {
    const other = n.op === "sym" && depth < 3 ? defined.get(exact(n)) : undefined;
    if (other && count++ < 12) return { ...put(other, depth + 1), s: n.s, e: n.e };
    return { ...bare(n), args: n.args.map((a) => put(a, depth)) };
  };
  const [first] = trees;
  const found = first.op === "=" ? { ...bare(first), args: [first.args[0], ...first.args.slice(1).map((a) => put(a, 0))] } : put(first, 0);
  return count && size(found) < 150 ? normal(bare(found)) : undefined;
}

/** What a notation such as D_KL(p || q) is called, each with the shape of what stands in it: ["D_kl:|(x,x)", "kl:|(x,x)"]. */
function heads(n) {
  const given = n.op === "fn" ? n.args : n.op === "sym" ? n.call : undefined;
  if (!given) return [];
  const shape = given.map(wild).join();
  const isName = (m) => m.op === "sym" && m.v.length > 1 && !GREEK_NAMES.has(m.v);
  const below = (n.sub ?? []).filter(isName).map((m) => m.v.toLowerCase());
  return [below.length ? `${n.v}_${below}` : n.v, ...below].map((name) => `${name}:${shape}`);
}

// Index ----------------------------------------------------------------------------------------

const DEFINED = 1.2; // score of what a query names by its notation, which is more than its other formulas
const PART = 0.5; // of the score of a part of a query
const UNSEEN = { n: 0.15, s: 0.2, e: 0.2, q: 0.4, r: 0.6 };

/** Formulas by features; a document may have several: its display, the statements of it, others. */
export class FormulaIndex {
  constructor() {
    this.postings = new Map();
    this.units = []; // {doc, share, found}
    this.trees = new Map(); // of doc
    this.defined = new Map(); // notation -> docs that it stands for
  }

  /** A notation stands for a document: the left side of its display, or what people write. */
  define(doc, key) {
    const docs = this.defined.get(key);
    if (docs) docs.push(doc);
    else this.defined.set(key, [doc]);
  }

  /** The name of a function stands for a document, whatever its arguments are. */
  name(doc, name) {
    if (/^[A-Za-z]{3,}$/.test(name)) this.define(doc, `${name.toLowerCase()}:*`);
  }

  /** A formula that people write for a document, which is not its display. */
  notation(doc, text, share) {
    const trees = parse(text);
    if (trees.length === 1) for (const key of [...heads(trees[0]), exact(trees[0])]) this.define(doc, key);
    this.add(doc, text, share);
  }

  /** @param {number} doc @param {string} latex @param {number} share of the score that it may have */
  add(doc, latex, share = 1) {
    const trees = parse(latex);
    if (share === 1) {
      this.trees.set(doc, trees);
      if (trees[0]?.op === "=") for (const key of heads(trees[0].args[0])) this.define(doc, key);
    }
    this.unit(doc, trees, share);
    const whole = trees.length > 1 ? inlined(trees) : undefined;
    for (const n of whole ? [...trees, whole] : trees) {
      const own = n === trees[0] || n === whole ? share : 0.87 * share; // a condition does not define
      if (trees.length > 1) this.unit(doc, [n], 0.98 * own);
      if (n.op === "=") for (let i = 2; i < n.args.length; i++) this.unit(doc, [{ ...bare(n), args: [n.args[0], n.args[i]] }], 0.98 * own); // a = b = c
      if (n.op === "=" && n.args.length > 2) this.unit(doc, [{ ...bare(n), args: n.args.slice(0, 2) }], 0.98 * own);
      for (const side of n.op === "=" ? n.args : [n]) {
        if (n.op === "=") this.unit(doc, [side], 0.96 * own);
        for (let inner = core(side), less = 0.9; inner; inner = core(inner), less *= 0.95) this.unit(doc, [inner], less * own);
      }
    }
  }

  unit(doc, trees, share) {
    this.worths = null;
    if (trees.reduce((total, n) => total + size(n), 0) < 3) return;
    const found = features(trees);
    const id = this.units.push({ doc, share, found: [...found] }) - 1;
    for (const key of found.keys()) {
      const list = this.postings.get(key);
      if (list) list.push(id);
      else this.postings.set(key, [id]);
    }
  }

  rarity(key) {
    return Math.log(1 + this.units.length / (1 + (this.postings.get(key)?.length ?? 0)));
  }

  /** What the features of a unit are worth together. */
  worth(id) {
    if (!this.worths) {
      const rarities = new Map([...this.postings.keys()].map((key) => [key, this.rarity(key)]));
      this.worths = this.units.map(({ found }) => found.reduce((sum, [key, weight]) => sum + weight * rarities.get(key), 0));
    }
    return this.worths[id];
  }

  /** Documents by how much of the query they have, and how much else: Map of doc to score, 0 to 1. */
  search(text) {
    const trees = parse(text);
    const whole = this.score(trees);
    const best = new Map(whole);
    // What is left of a query counts as far as the whole of it does.
    const part = (left, share) => {
      for (const [doc, score] of this.score(left)) {
        const both = share * (PART * score + (1 - PART) * (whole.get(doc) ?? 0));
        if (both > (best.get(doc) ?? 0)) best.set(doc, both);
      }
    };
    for (const n of trees) {
      for (const side of n.op === "=" ? n.args : [n]) {
        if (n.op === "=" && size(side) > 4) part([side], 1);
        const inner = core(side);
        if (inner && size(inner) > 4) part([inner], 0.95);
      }
    }
    // Another reading counts for itself.
    const reading = (other, share) => {
      for (const [doc, score] of this.score(other)) if (share * score > (best.get(doc) ?? 0)) best.set(doc, share * score);
    };
    const isLess = (n, i) => size(n) < size(trees[i]);
    const straight = trees.map(upright);
    if (straight.some(isLess)) reading(straight, 0.85);
    const outer = trees.map(closed);
    if (outer.some(isLess)) {
      part(outer, 1);
      for (const n of outer) if (n.op === "=") for (const side of n.args) if (size(side) > 4) part([side], 0.95);
    }
    const normed = text.replace(/\|([^|]+)\|/g, "‖$1‖"); // |a| of a vector
    if (normed !== text && !normed.includes("|")) reading(parse(normed), 0.9);
    for (const doc of this.named(trees)) best.set(doc, Math.max(DEFINED, best.get(doc) ?? 0));
    return best;
  }

  /** The documents that a query stands for, if all of it is a notation. */
  named(trees) {
    if (trees.length !== 1) return [];
    const [n] = trees;
    const keys = [...heads(n), size(n) > 2 ? exact(n) : "", n.op === "fn" ? `${n.v}:*` : ""];
    return new Set(keys.flatMap((key) => this.defined.get(key) ?? []));
  }

  /** How much of some trees the documents have, and how much else. */
  score(trees) {
    const best = new Map();
    const asked = features(trees);
    if (asked.size > 3000) return best;
    const got = new Float64Array(this.units.length);
    let total = 0;
    for (const [key, weight] of asked) {
      const ids = this.postings.get(key);
      const worth = weight * this.rarity(key);
      total += ids ? worth : worth * (UNSEEN[key[0]] ?? 0.8); // letters and numbers that nobody has
      for (const id of ids ?? []) got[id] += worth;
    }
    if (!total) return best;
    for (let id = 0; id < got.length; id++) {
      if (got[id] < 0.08 * total) continue;
      const unit = this.units[id];
      const score = unit.share * (got[id] / (total + 0.25 * Math.max(0, this.worth(id) - got[id])));
      if (score > (best.get(unit.doc) ?? 0)) best.set(unit.doc, score);
    }
    return best;
  }
}

/** Asks for the ranges of formulas whose subtrees, with any letters, stand in a query too: the widest. */
export function matcher(index, query) {
  const asked = features(parse(query));
  return (doc) => {
    const ranges = [];
    const visit = (n) => {
      if (n.args.length && size(n) > 2 && asked.has(`r${renamed(n, false)}`)) ranges.push([n.s, n.e]);
      else n.args.forEach(visit);
    };
    index.trees.get(doc)?.forEach(visit);
    return ranges.sort((a, b) => a[0] - b[0]);
  };
}
