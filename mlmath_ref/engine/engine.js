/**
 * The search of the site: words by MiniSearch and by what stands together, formulas by their trees.
 *
 * No DOM and no I/O; the index is what mlmath_ref/index.py gives.
 */

import MiniSearch from "./minisearch.js";
import { FormulaIndex, matcher } from "./formula.js";

const MOST = 300; // entries that are ranked and counted
const LONGEST = 2000; // characters of a query that are read
const FAME = 0.04; // more of the score for an entry that others are built from, by doubling
const EXACT = 1.4; // score of a page whose title is the query
const LEAST = 0.35; // of the score that a section of another page may have
const OTHER = 0.9; // of the score of a display, for formulas of the text
const FIELDS = { concept: 4, also: 3, name: 3, tells: 1.5, system: 2.5, role: 1, work: 1, code: 2, calls: 1, constants: 1.5, prose: 0.8, domain: 0.5 };
/** Fields whose words are names: what is typed wrong is compared with them first. */
const STRONG = new Set(["concept", "also", "name", "system", "code", "calls"]);
const STOP = new Set(
  `a about all am an and any are as at be been both but by can could did do does doing each for from get gets give given
  had has have how i if in into is it its itself just like make makes me my no not of off on one only or other our out over
  per put should so some such than that the their them then there these they this those through to too under up use used
  uses using very want was we were what when where which while who why will with work works would you your between
  equation formula et al arxiv mean means`.split(/\s+/),
);
/** Words of one meaning where people ask: each line stands for its words. */
const ALIKE = `picture image photo
  ram memory
  big large huge
  tiny small little
  blow explode diverge
  shrink vanish fade
  forget decay
  mimic imitate distill
  slow expensive cost
  quick fast speed faster
  guess predict estimate
  wrong incorrect error
  check verify test
  order position
  close near similar
  pick choose select
  weird unstable
  broken fail
  crash overflow error
  stuck flat plateau
  jump spike
  noisy variance
  average mean
  unsure uncertainty
  activation nonlinearity
  confident probability
  random sample
  sampling sample
  compress quantize
  shorten reduce
  split tokenize segment
  neuron unit
  word token
  sentence sequence
  learn train
  ad advertisement
  irrelevant unimportant zero
  correlated collinear
  remember memory
  trick method
  compare distance similarity
  length norm
  size dimension
  speed rate
  largest biggest maximal maximum
  smallest minimal minimum
  loss objective`.split("\n").map((line) => line.trim().split(" "));
const GREEK = new Map([..."αβγδεζηθικλμνξοπρστυφχψω"].map((c, i) => [
  c,
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega".split(" ")[i],
]));
/** Letters and operators in a query that has words, too. */
const OPERATORS = /(?<![A-Za-z\d_.]|[A-Za-z]-)([A-Za-z]{1,2}\d?|exp|log|ln|sum|prod|max|min|sqrt|mean|sin|cos|frac|int)(?![A-Za-z\d_.-])/g;
/** Words that a formula in ASCII may have. */
const MATH_WORDS = new Set(
  `exp log ln sin cos tan tanh sqrt sum prod max min argmax argmin mean var cov std softmax sigmoid relu gelu silu swish erf
  norm abs det tr trace diag inv clip round lim int frac if and or eps grad dot lr sim kl mu pi xi nu eta tau rho phi psi chi
  alpha beta gamma delta epsilon zeta theta kappa lambda sigma omega hat bar`.split(/\s+/),
);

// Words ----------------------------------------------------------------------------------------

/** Light stemming: plurals, -ing, -ed, -ation, and British spellings to American ones. */
export function stem(word) {
  if (!STEMS.has(word)) STEMS.set(word, cut(word));
  return STEMS.get(word);
}
const STEMS = new Map();
function cut(word) {
  if (word.length < 4 || /\d/.test(word)) return word;
  let w = word.replace(/([a-z]{5})(ity|ities)$/, "$1").replace(/is(ation|e|ed|ing|er|es)(s?)$/, "iz$1$2").replace(/our(s|ed|ing|al|hood)?$/, (m, end, at) => (at > 2 ? `or${end ?? ""}` : m));
  w = w.replace(/ies$/, "y").replace(/([^s])s$/, "$1");
  for (const [end, least] of [["ization", 3], ["izer", 3], ["izing", 3], ["ized", 3], ["ize", 3], ["ational", 4], ["ation", 4], ["ating", 4], ["ated", 4], ["ator", 4], ["ate", 4], ["ness", 4], ["ence", 5], ["ency", 5], ["ent", 5], ["ance", 5], ["ancy", 5], ["ant", 5], ["ment", 4], ["ing", 4], ["ion", 4], ["ed", 4], ["er", 5], ["or", 5], ["ly", 4], ["al", 5], ["e", 3]]) {
    if (w.endsWith(end) && w.length - end.length >= least) {
      w = w.slice(0, -end.length);
      break;
    }
  }
  return w.replace(/([bdgklmnprt])\1$/, "$1").replace(/^math(ematic)?$/, "math");
}

/** Letters that are not one of a to z with an accent, and an abbreviation that stands for words of many names. */
const WRITTEN_OUT = { ß: "ss", ø: "o", Ø: "O", ł: "l", Ł: "L", æ: "ae", Æ: "Ae", đ: "d", lr: "learning rate", LR: "learning rate" };
/** Plain letters: accents off, Greek by name. */
const plain = (text) =>
  text.replace(/[ßøØłŁæÆđ]|(?<![A-Za-z])(?:lr|LR)(?![A-Za-z])/g, (found) => WRITTEN_OUT[found]).normalize("NFKD").replace(/\p{M}/gu, "").replace(/[Ͱ-Ͽ]/g, (c) => ` ${GREEK.get(c.toLowerCase()) ?? c} `).replace(/[’']s\b/g, "s").replace(/[’'](?=[a-z])/g, "");

/** Words of a text, as typed: identifiers in their parts, numbers whole. */
export function words(text) {
  const found = [];
  for (const [raw] of plain(text).matchAll(/\d{4}\.\d{4,5}(?!\d)|\d+(?:,\d{3})+|\d*\.?\d+(?:e-?\d+)?(?![A-Za-z\d])|[A-Za-z][A-Za-z\d]*|\d+[A-Za-z]+/g)) {
    if (/^\d{4}\.\d{4,5}$/.test(raw)) found.push(raw);
    else if (/^[\d.,]/.test(raw) && !Number.isNaN(Number(raw.replace(/,/g, "")))) found.push(String(Number(raw.replace(/,/g, ""))));
    else {
      const parts = raw.match(/[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+[a-z]*/g) ?? [raw];
      if (parts.length > 1) found.push({ whole: raw.toLowerCase(), parts: parts.map((p) => p.toLowerCase()) });
      else found.push(raw.toLowerCase());
    }
  }
  return found;
}

const spread = (found) => found.flatMap((w) => (typeof w === "string" ? [w] : [w.whole, ...w.parts]));
const inParts = (found) => found.flatMap((w) => (typeof w === "string" ? [w] : w.parts));
const kept = (list) => list.filter((w) => !STOP.has(w));

/** Terms of a field; in names, neighbors are joined as well ("log-sum-exp" is found as logsumexp). */
function terms(text, isName) {
  const found = [];
  for (const phrase of text.split("\n")) {
    const split = words(phrase);
    for (const w of spread(split)) found.push(w);
    if (!isName) continue;
    const parts = inParts(split);
    for (let i = 0; i + 1 < parts.length; i++) found.push(parts[i] + parts[i + 1]);
    if (parts.length > 2 && parts.length < 6) found.push(parts.join(""));
  }
  return found;
}

/** Which letters a word has, a bit each: words far apart in them are not compared. */
export const letters = (word) => {
  let mask = 0;
  for (let i = 0; i < word.length; i++) mask |= 1 << (word.charCodeAt(i) & 31);
  return mask;
};
const bits = (n) => {
  let count = 0;
  for (let rest = n; rest; rest &= rest - 1) count++;
  return count;
};

/** Edits between two words, a swap of neighbors being one; more than most is most + 1. */
export function distance(a, b, most) {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2] + 1);
      row.push(d);
      if (d < least) least = d;
    }
    if (least > most) return most + 1;
    before = last;
    last = row;
  }
  return last[b.length];
}

/** Term to the terms of the same meaning. */
const LIKE = new Map();
for (const line of ALIKE) for (const word of line) LIKE.set(stem(word), [...new Set([...(LIKE.get(stem(word)) ?? []), ...line.map(stem)])].filter((w) => w !== stem(word)));

// Units: what stands together ------------------------------------------------------------------

/** Phrases, roles and works: how much of the query one of them covers, by rarity of the words. */
export class Units {
  constructor() {
    this.all = []; // {doc, kind, own: its different words}
    this.postings = new Map();
  }
  add(doc, kind, list, weight) {
    const own = [...new Set(list)];
    const id = this.all.push({ doc, kind, own, weight }) - 1;
    for (const term of own) {
      const ids = this.postings.get(term);
      if (ids) ids.push(id);
      else this.postings.set(term, [id]);
    }
  }
  /** @returns {Map<number, Object<string, number>>} of doc to the best share, 0 to 1, by kind */
  search(groups) {
    const got = new Map();
    let total = 0;
    for (const { alternatives, worth } of groups) {
      total += worth;
      const seen = new Map();
      for (const { term, weight } of alternatives) {
        for (const id of this.postings.get(term) ?? []) seen.set(id, Math.max(seen.get(id) ?? 0, weight));
      }
      for (const [id, weight] of seen) {
        const mine = got.get(id) ?? [0, 0];
        mine[0] += weight * worth;
        mine[1] += 1;
        got.set(id, mine);
      }
    }
    const best = new Map();
    for (const [id, [covered, count]] of got) {
      const { doc, kind, own, weight } = this.all[id];
      const share = covered / total;
      const back = NAMES.has(kind) ? Math.min(1, count / own.length) * (share * count > 0.99 * own.length ? 2 : 1) : 1;
      const isHeld = NAMES.has(kind) && count > 1 && count === own.length; // the query has all words of a name
      const score = weight * (isHeld ? share : share * share) * back;
      const mine = best.get(doc) ?? {};
      if (score > (mine[kind] ?? 0)) mine[kind] = score;
      best.set(doc, mine);
    }
    return best;
  }
}

// Engine ---------------------------------------------------------------------------------------

const NAMES = new Set(["title", "phrase", "code", "heading"]); // units that are to be covered as well
const UNIT_WEIGHTS = { code: 0.8, title: 1.5, phrase: 1, role: 0.7, work: 0.8, tells: 0.5 };

export class Engine {
  /** @param {{entries: object[]}} index what is enough to find by name, formula, system and code */
  constructor(index) {
    this.entries = index.entries;
    this.works = {};
    this.indexes = []; // of MiniSearch, each with fields of its own
    this.vocabulary = new Map(); // word as written -> is it in a name
    this.stems = new Map(); // term -> likewise
    this.lengths = new Map(); // length -> words of it
    this.holders = new Map(); // term -> entries that have it
    this.units = new Units();
    this.guides = []; // sections of pages that are no entries
    this.formulas = new FormulaIndex();
    this.read = 0; // entries whose formulas are in it
    this.learn(["concept", "name", "system", "code", "domain"]);
    this.learn(["also"]);
    this.entries.forEach((e, id) => {
      for (const title of [e.concept, e.name]) this.unit(id, "title", title);
      for (const phrase of e.also) this.unit(id, "phrase", phrase);
      for (const path of e.code) this.unit(id, "code", path.slice(path.lastIndexOf(".") + 1));
      for (const [kind, system] of e.roles) this.unit(id, "role", `${kind} ${system} ${e.concept}`);
    });
  }

  /**
   * Add what is loaded later: works, prose, sentences of roles, other formulas; entries show more then.
   * @param {{entries: object[], works: Object<string, string[]>, guides: object[]}} details
   */
  complete({ entries, works, guides = [] }) {
    this.works = works;
    this.guides = guides;
    this.sections = new Units();
    guides.forEach(({ title, heading, words: text }, id) => {
      const list = (parts) => kept(spread(words(parts))).map(stem);
      this.sections.add(id, "heading", list(`${title} ${heading}`), 1);
      this.sections.add(id, "text", list(`${title} ${heading} ${text}`), 1);
    });
    this.formulas = new FormulaIndex();
    this.read = 0;
    this.entries.forEach((e, id) => Object.assign(e, entries[id]));
    this.indexes.pop(); // names and what is asked are one field, so that a word is as rare in either
    this.learn(["also", "tells", "work", "role", "calls", "constants", "prose"]);
    this.entries.forEach((e, id) => {
      for (const phrase of e.asked) this.unit(id, "phrase", phrase);
      for (const path of e.calls) this.unit(id, "code", path.slice(path.lastIndexOf(".") + 1), 0.6);
      this.unit(id, "tells", `${e.concept} ${e.tells}`);
      e.roles.forEach(([kind, system], i) => this.unit(id, "role", `${kind} ${system} ${e.texts[i]} ${e.concept}`));
      const called = [e.concept, ...e.also].map((phrase) => kept(spread(words(phrase))).map(stem));
      const own = new Set(called.flat());
      e.works.forEach((key, i) => { // a work is of the entry that its title names, or that cites it first
        const title = kept(spread(words(works[key][2]))).map(stem);
        const share = title.filter((w) => own.has(w)).length / (title.length || 1);
        const isNamed = called.some((phrase) => phrase.length > 1 && phrase.every((w) => title.includes(w)));
        this.unit(id, "work", works[key].join(" "), 1 + 0.4 * share + (isNamed ? 0.2 : 0) - 0.1 * Math.min(i, 3) / 3);
      });
    });
  }

  unit(id, kind, text, weight = 1) {
    this.units.add(id, kind, kept(spread(words(text))).map(stem), weight);
  }

  learn(fields) {
    const fresh = new Set();
    let at = 0;
    const index = new MiniSearch({
      fields,
      extractField: (entry, field) => (field === "id" ? (at = entry.id) : this.text(this.entries[entry.id], field)),
      tokenize: (text, field) => {
        const found = terms(text, STRONG.has(field));
        for (const w of found) {
          if (!this.vocabulary.has(w)) fresh.add(w);
          if (!this.vocabulary.get(w)) this.vocabulary.set(w, STRONG.has(field));
        }
        return found;
      },
      processTerm: (word) => {
        if (STOP.has(word)) return null;
        const term = stem(word);
        const holders = this.holders.get(term);
        if (holders) holders.add(at);
        else this.holders.set(term, new Set([at]));
        return term;
      },
    });
    index.addAll(this.entries.map((_, id) => ({ id })));
    this.indexes.push(index);
    for (const word of fresh) {
      const isName = this.vocabulary.get(word);
      this.stems.set(stem(word), this.stems.get(stem(word)) || isName);
      const item = { other: word, mask: letters(word), isName };
      if (this.lengths.has(word.length)) this.lengths.get(word.length).push(item);
      else this.lengths.set(word.length, [item]);
    }
  }

  frequency(term) {
    return this.holders.get(term)?.size ?? 0;
  }

  /** Scores of terms over all fields. */
  fields(boosts) {
    const found = new Map();
    for (const index of boosts.size ? this.indexes : []) {
      const results = index.search([...boosts.keys()].join(" "), {
        boost: FIELDS,
        tokenize: (joined) => joined.split(" "),
        processTerm: (term) => term,
        boostTerm: (term) => boosts.get(term),
        bm25: { k: 1.2, b: 0.4, d: 0.3 },
      });
      for (const { id, score, match } of results) {
        const mine = found.get(id) ?? { score: 0, match: {} };
        mine.score += score;
        for (const [term, fields] of Object.entries(match)) mine.match[term] = [...(mine.match[term] ?? []), ...fields];
        found.set(id, mine);
      }
    }
    return found;
  }

  text(e, field) {
    if (field === "also") return [...e.also, ...(e.asked ?? [])].join("\n");
    if (field === "system") return e.roles.map((r) => r[1]).join("\n");
    if (field === "role") return e.roles.map((r, i) => `${r[0]} ${e.texts[i]}`).join(" ");
    if (field === "work") return e.works.map((key) => this.works[key].join(" ")).join(" ");
    if (field === "code" || field === "calls") return e[field].join("\n");
    if (field === "constants") return `${e.constants} ${(e.latex.match(/\d+\.?\d*/g) ?? []).filter((n) => n.length > 1).join(" ")}`;
    return e[field] ?? "";
  }

  /**
   * Entries of a query, with what was understood and the facets of all that is found. Filters may
   * also stand in the query: ``domain:losses``, ``system:"Llama 2"``, ``year:2017``.
   */
  search(query, { limit = 20, filters: given = {} } = {}) {
    const { text, filters } = this.filtered(cleaned(query), given);
    const kind = understand(text);
    const said = kind === "formula" ? this.names(text) : kind === "both" ? text.replace(OPERATORS, " ") : text;
    const byWord = text ? this.byWords(said) : { scores: new Map(this.entries.map((_, id) => [id, 1])), guides: [], didYouMean: null, why: new Map() };
    const byFormula = kind !== "words" && this.prepare() ? this.formulas.search(text) : new Map();
    const weight = kind === "formula" ? Math.min(0.7, 0.2 + 0.1 * said.split(" ").length) : 0.6;
    const scores = new Map();
    const top = Math.max(...byWord.scores.values(), 1e-9);
    const certain = Math.min(1, top);
    for (const [id, s] of byWord.scores) scores.set(id, (kind === "words" ? 1 : weight * certain) * (s / top));
    for (const [id, s] of byFormula) scores.set(id, (scores.get(id) ?? 0) + s);
    const allowed = [...scores].filter(([id]) => fits(this.entries[id], filters, this.works)).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const guides = kind !== "words" || Object.values(filters).flat().length ? [] : byWord.guides;
    const ranges = kind === "words" ? () => [] : matcher(this.formulas, text);
    const results = allowed.slice(0, limit).map(([id, score]) => {
      const why = [...(byWord.why.get(id) ?? [])];
      if (byFormula.has(id)) why.unshift("formula");
      return { name: this.entries[id].name, score, why, matched: ranges(id) };
    });
    return {
      guides,
      isGuide: guides.length > 0 && guides[0].score * 1.1 > Math.min(top, EXACT),
      understood: { kind, formula: kind === "words" ? null : text, didYouMean: byWord.didYouMean },
      results,
      facets: facets(allowed.map(([id]) => this.entries[id]), this.works),
    };
  }

  /**
   * Read formulas while there is time; the first query with a formula in it reads what is left.
   * @param {function(): boolean} hasTime
   * @returns {boolean} whether all are read
   */
  prepare(hasTime = () => true) {
    for (; this.read < this.entries.length && hasTime(); this.read++) {
      const { latex, concept, also, asked = [], formulas = [] } = this.entries[this.read];
      this.formulas.add(this.read, latex);
      for (const other of formulas) this.formulas.add(this.read, other, OTHER);
      for (const phrase of asked) if (understand(phrase) !== "words") this.formulas.notation(this.read, phrase, OTHER);
      for (const name of [concept, ...also, ...asked]) this.formulas.name(this.read, name);
    }
    return this.read === this.entries.length;
  }

  /** A query without the filters in it, and these together with those that are given. */
  filtered(typed, given) {
    const filters = Object.fromEntries(Object.entries(given).map(([facet, list]) => [facet, [list].flat().filter(Boolean)]));
    const text = typed.replace(WRITTEN, (whole, facet, quoted, bare) => {
      const wanted = norm(quoted ?? bare);
      const all = [...new Set(this.entries.flatMap((e) => values(e, facet, this.works)))];
      const exact = all.filter((value) => norm(value) === wanted);
      const found = exact.length ? exact : all.filter((value) => norm(value).startsWith(wanted));
      if (!found.length) return whole;
      filters[facet] = [...(filters[facet] ?? []), ...found];
      return " ";
    });
    return { text: text.trim(), filters };
  }

  /** The words of the site that a formula has, and its numbers; functions if it has no left side or there. */
  names(text) {
    const [left, ...right] = text.replace(/\\(begin|end)\{\w+\*?\}|\\(?!tanh|sin|cos|det)[A-Za-z]+/g, " ").split(/=|←|≈/);
    const found = (part, isDefined) =>
      (part.match(/[A-Za-z]{3,}|\d+\.\d+|\d{3,}/g) ?? []).filter((w) => (isDefined ? !/^(exp|log|sum|max|min|sqrt|mean)$/.test(w) : !MATH_WORDS.has(w.toLowerCase())) && this.stems.has(stem(w.toLowerCase())));
    return [...found(left, right.length > 0), ...found(right.join(" "), false)].join(" ");
  }

  byWords(text) {
    const typed = words(text).slice(0, 60);
    const outer = new Set([...text.matchAll(/[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+/g)].flatMap(([path]) => inParts(words(path.slice(0, path.lastIndexOf("."))))));
    const isTyping = /[\p{L}\d]$/u.test(text);
    const all = typed.flatMap((w) => (typeof w === "string" ? [{ word: w }] : this.stems.has(stem(w.whole)) ? [{ word: w.whole }, ...w.parts.filter((p) => p.length > 2).map((p) => ({ word: p, share: 0.5 }))] : w.parts.map((p) => ({ word: p }))));
    const content = all.filter(({ word }) => !STOP.has(word));
    const list = content.length ? content : all;
    const groups = list.map(({ word, share = 1 }, i) => this.group(word, outer.has(word) ? 0.3 * share : share, isTyping && i === list.length - 1));
    for (let i = 0; i + 1 < list.length; i++) this.join(list[i].word + list[i + 1].word, groups[i], groups[i + 1]);
    const boosts = new Map();
    for (const { alternatives } of groups) for (const { term, weight } of alternatives) boosts.set(term, Math.max(weight, boosts.get(term) ?? 0));
    const found = this.fields(boosts);
    const total = groups.reduce((sum, g) => sum + g.worth, 0) || 1;
    const top = Math.max(...[...found.values()].map((f) => f.score), 1e-9);
    const units = this.units.search(groups);
    const scores = new Map();
    const why = new Map();
    const best = [...found].sort((a, b) => b[1].score - a[1].score).slice(0, MOST);
    for (const [id, { score, match }] of best) {
      const covered = groups.reduce((sum, g) => sum + g.worth * Math.max(0, ...g.alternatives.filter((a) => a.term in match).map((a) => a.weight)), 0) / total;
      const fame = 1 + FAME * Math.log2(1 + this.entries[id].used);
      const shares = Object.entries(units.get(id) ?? {}).map(([kind, share]) => UNIT_WEIGHTS[kind] * share * (kind === "code" && outer.size ? 3 : 1));
      const sum = shares.reduce((a, b) => a + b, 0);
      scores.set(id, fame * ((score / top) * covered + 0.6 * covered ** 2 + 0.7 * Math.max(0, ...shares) + 0.3 * sum));
      why.set(id, [...new Set(Object.values(match).flat())].sort((a, b) => FIELDS[b] - FIELDS[a]));
    }
    const fixed = groups.some((g) => g.fixed);
    return { scores, why, guides: this.found(groups), didYouMean: fixed ? groups.map((g) => g.fixed ?? g.word).join(" ") : null };
  }

  /** Sections of other pages that have most of a query, each with its share of it. */
  found(groups) {
    if (!this.guides.length) return [];
    const written = groups.map((g) => ({ ...g, alternatives: [{ term: stem(g.word), weight: 1 }, ...g.alternatives] }));
    const shares = [...this.sections.search(written)].map(([id, { heading = 0, text = 0 }]) => ({ ...this.guides[id], score: text + 0.3 * heading }));
    return shares.filter(({ score }) => score > LEAST).sort((a, b) => b.score - a.score).slice(0, 3);
  }

  /** Terms that a word may stand for, with weights. */
  group(word, share, isTyping) {
    const own = stem(word);
    const isKnown = this.stems.has(own);
    const alternatives = isKnown ? [{ term: own, weight: share }] : [];
    let fixed;
    if (isTyping && word.length > 1) {
      for (const other of this.vocabulary.keys()) {
        if (other !== word && other.startsWith(word)) alternatives.push({ term: stem(other), weight: share * (isKnown ? 0.35 : 0.8) * (0.5 + 0.5 * word.length / other.length) });
      }
      alternatives.sort((a, b) => b.weight - a.weight).splice(12);
    }
    if (!this.stems.get(own) && word.length > 3 && !/\d/.test(word)) {
      const near = this.near(word, isKnown);
      near.forEach(({ word: w, d }) => alternatives.push({ term: stem(w), weight: (share * (isKnown ? 0.5 : 0.9 * near[0].d)) / d }));
      if (!isKnown && near.length && !alternatives.some((a) => a.term.startsWith(own))) fixed = near[0].word;
    }
    for (const other of LIKE.get(own) ?? []) if (this.stems.has(other)) alternatives.push({ term: other, weight: 0.5 * share });
    if (!isKnown && /^\d*\.\d{3,}$/.test(word)) {
      for (let digits = word.length; digits > 3; digits--) { // 0.7978845608 stands as 0.7979 in a text
        const term = String(Number(Number(word).toPrecision(digits)));
        if (this.stems.has(term)) alternatives.push({ term, weight: share });
      }
    }
    const known = isKnown ? this.frequency(own) : Math.min(...alternatives.slice(0, 2).map((a) => this.frequency(a.term)), Infinity);
    const worth = share * (alternatives.length ? Math.log(1 + this.entries.length / (1 + known)) : 0.5 * Math.log(1 + this.entries.length));
    return { word, alternatives, fixed, worth };
  }

  /** Words of the site that were perhaps meant. */
  near(word, isKnown) {
    const most = isKnown ? 1 : word.length < 6 ? 1 : 2;
    const own = letters(word);
    const found = [];
    for (let n = word.length - most; n <= word.length + most; n++) {
      for (const { other, mask, isName } of this.lengths.get(n) ?? []) {
        if (n < 4 || (isKnown && !isName) || bits(mask ^ own) > 2 * most) continue;
        const d = distance(word, other, most);
        if (d && d <= most) found.push({ word: other, d: d + (other[0] === word[0] ? 0 : 0.5) + (isName ? 0 : 0.7) });
      }
    }
    return found.sort((a, b) => a.d - b.d || this.frequency(stem(b.word)) - this.frequency(stem(a.word))).slice(0, 3);
  }

  /** Two words that are one in a name: "pseudo inverse". */
  join(word, left, right) {
    const term = stem(word);
    let found = this.stems.get(term) ? [{ term, weight: 0.9 }] : [];
    if (!found.length && word.length > 6 && (left.fixed || right.fixed || !left.alternatives.length || !right.alternatives.length)) {
      found = this.near(word, false).filter((n) => this.vocabulary.get(n.word) && n.d <= 1).map((n) => ({ term: stem(n.word), weight: 0.7 }));
    }
    for (const alternative of found) {
      left.alternatives.push(alternative);
      right.alternatives.push(alternative);
    }
  }
}

// The query ------------------------------------------------------------------------------------

export const cleaned = (query) => String(query).slice(0, LONGEST).replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim();

/** Whether a query is words, a formula, or both. */
export function understand(text) {
  const isTeX = /\\[A-Za-z]|\^\{|_\{|\$.+\$/.test(text);
  if (isTeX) return "formula";
  const symbols = (text.match(/[=+*/^<>|≤≥≈∑∏∫√∇∂∈∘⊗⊙·×‖←→⟨⟩²³⁻ᵀ₀-₉ᵢⱼₖₜ½]|\s[-−]\s|Σ|\)\s*\(|(?<![A-Za-z])[a-z\d)]\s*[-−]\s*[(\d]|[A-Za-zα-ωΑ-Ω][([]|[\])]\s*[-−]/g) ?? []).length;
  const math = (text.match(/[A-Za-z]+/g) ?? []).filter((w) => MATH_WORDS.has(w.toLowerCase()));
  const hasNumber = /(?<![\w.])-?\d/.test(text);
  if (/^[-−]\s*[A-Za-z]/.test(text) && math.length) return "both";
  if (!symbols) return hasNumber && math.length ? "both" : "words";
  const isIdentifier = /^[A-Za-z_][\w.]+(\([\w, ]*\))?$/.test(text) && !MATH_WORDS.has(text.replace(/\(.*/, "").toLowerCase());
  if (isIdentifier) return "words";
  const natural = (text.match(/(?<![\w.])[A-Za-z]{3,}(?![\w(])/g) ?? []).filter((w) => !MATH_WORDS.has(w.toLowerCase())).length;
  if (natural > 1 && natural >= symbols) return symbols > 1 ? "both" : "words";
  return natural > 0 || symbols < 2 ? "both" : "formula";
}


// Facets ---------------------------------------------------------------------------------------

const FACETS = {
  domain: (e) => [e.domain],
  kind: (e) => e.roles.map((r) => r[0]),
  system: (e) => e.roles.map((r) => r[1]),
  work: (e) => e.works,
  year: (e, works) => e.works.map((key) => works[key][1]),
  library: (e) => e.libraries,
};

/** A filter in a query, and the form in which its value is compared. */
const WRITTEN = new RegExp(`(?<!\\S)(${Object.keys(FACETS).join("|")}):(?:"([^"]+)"|([^\\s"]+))`, "g");
const norm = (value) => value.toLowerCase().replace(/[\s_-]+/g, " ").trim();

const KNOWN = new WeakMap(); // entry -> its values, by facet
function values(e, facet, works) {
  const isLate = facet === "work" || facet === "year"; // these come with the details
  if (isLate && !e.works) return [];
  if (!KNOWN.has(e)) KNOWN.set(e, {});
  return (KNOWN.get(e)[facet] ??= [...new Set(FACETS[facet](e, works))]);
}

function facets(entries, works) {
  const found = {};
  for (const facet of Object.keys(FACETS)) {
    const counts = new Map();
    for (const e of entries) for (const value of values(e, facet, works)) counts.set(value, (counts.get(value) ?? 0) + 1);
    found[facet] = Object.fromEntries([...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
  }
  return found;
}

function fits(entry, filters, works) {
  return Object.entries(filters).every(([facet, wanted]) => {
    return !wanted.length || !Object.hasOwn(FACETS, facet) || wanted.some((value) => values(entry, facet, works).includes(value));
  });
}
