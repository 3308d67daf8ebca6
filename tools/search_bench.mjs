/**
 * Measure the search: success at 1 and at 5 and the mean reciprocal rank, by kind of query.
 *
 * node tools/search_bench.mjs [--failures] [--queries FILE] [--folder FOLDER] [--stock SITE] [--record] [--lower] [--entries 3000]
 * ends with 1 where more than one query of a kind is worse than recorded. With --entries only time counts: the others are copies of the entries in
 * other words and letters. With --stock the same queries go to the search that Sphinx itself has built. --record writes what was reached; if any
 * kind is worse than recorded, it does so only with --lower.
 */

import { readFileSync, writeFileSync } from "node:fs";
import vm from "node:vm";
import { gzipSync } from "node:zlib";

const option = (name, usual) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? usual : process.argv[at + 1];
};
const FOLDER = option("folder", "build/site/_static/search");
const OWN = "tests/search/queries.tsv";
const QUERIES = option("queries", OWN);
const STOCK = option("stock", ""); // a site with Sphinx's own search
const ENTRIES = Number(option("entries", 0)); // so many, of which most are made up from the others
const RECORD = "docs/search.json"; // what has been reached, as docs/search-benchmark.md shows it

/** Engine, index and details, as a page has them, and the kilobytes of the scripts, compressed. */
export function load(folder) {
  const window = {};
  const context = vm.createContext({ window, performance });
  const size = ["index.js", "details.js"].map((name) => {
    const text = readFileSync(`${folder}/${name}`, "utf8");
    vm.runInContext(text, context);
    return gzipSync(text, { level: 9 }).length / 1000;
  });
  return { ...window.mapSearch, size };
}

const { Engine, index, details, size } = load(FOLDER);
if (ENTRIES) multiply(index, details, ENTRIES);
const started = performance.now();
const engine = new Engine(index);
const ready = performance.now() - started;
engine.complete(details);
const complete = performance.now() - started;
const rows = readFileSync(QUERIES, "utf8").trimEnd().split("\n").slice(1).map((line) => line.split("\t"));
const times = [];

/** Names of the entries found, and pages as "page:quiz", in the order in which they are shown. */
function ours(query) {
  const from = performance.now();
  const { results, guides, isGuide } = engine.search(query);
  times.push(performance.now() - from);
  const names = results.map((r) => r.name);
  const pages = guides.map((g) => `page:${g.page.replace(/\.html.*/, "")}`);
  return isGuide ? [...pages, ...names] : [...names, ...pages];
}

/** Ranks of the first right answer, by kind of query; 0 is not found. */
function ranked(search) {
  const kinds = new Map([["overall", []]]);
  for (const [query, kind, list] of rows) {
    const answers = list.split(/[,|]/);
    const names = search(query);
    const rank = 1 + names.findIndex((name) => answers.includes(name));
    for (const group of [kind, "overall"]) {
      if (!kinds.has(group)) kinds.set(group, []);
      kinds.get(group).push(rank);
    }
    if (search === ours && process.argv.includes("--failures") && rank !== 1) console.log([kind, rank || "-", query, answers.join(), names.slice(0, 3).join(" ")].join(" | "));
  }
  return kinds;
}

/** Sphinx's own search, outside of a page. */
function stock(site) {
  const element = { dataset: {}, childNodes: [], replaceChildren() {} };
  const document = { readyState: "loading", addEventListener() {}, getElementById: () => element, documentElement: element };
  const context = vm.createContext({ document, localStorage: { setItem() {} }, console });
  context.window = context;
  const scripts = ["documentation_options", "doctools", "language_data", "sphinx_highlight", "searchtools"];
  for (const file of [...scripts.map((name) => `_static/${name}.js`), "searchindex.js"]) vm.runInContext(readFileSync(`${site}/${file}`, "utf8"), context);
  const search = vm.runInContext("(query) => Search._performSearch(...Search._parseQuery(query))", context);
  return (query) => {
    const documents = search(query).reverse().map(([name]) => name.replace(/\/index$/, ""));
    return [...new Set(documents.map((name) => (name.startsWith("entries/") ? name.slice(8) : `page:${name}`)))];
  };
}

const kinds = ranked(ours);
const others = STOCK ? ranked(stock(STOCK)) : null;

/** Copies whose every third word and letter is another. */
function multiply(index, details, count) {
  const changed = (value, n) => {
    if (typeof value !== "string") return Array.isArray(value) ? value.map((v) => changed(v, n)) : value;
    let at = 0;
    return value.replace(/(?<!\\)\b[A-Za-z]{4,}\b|(?<![\\\w])[a-z](?!\w)/g, (w) => (at++ % 3 ? w : w.length > 1 ? w + String.fromCharCode(97 + (n % 26)) : String.fromCharCode(97 + ((w.charCodeAt(0) + n) % 26))));
  };
  const size = index.entries.length;
  for (let i = size; i < count; i++) {
    for (const list of [index.entries, details.entries]) {
      const e = list[i % size];
      list.push(Object.fromEntries(Object.entries(e).map(([key, v]) => [key, ["domain", "libraries", "works", "mathml"].includes(key) ? v : key === "name" ? `${v}_${i}` : changed(v, Math.floor(i / size))])));
    }
  }
}

/** Write what was reached; Sphinx's own rates are kept if they were not measured now. */
function record() {
  if (lost.length && !process.argv.includes("--lower")) {
    console.log(`not recorded, since these are worse than recorded: ${lost.join(", ")}`);
    return false;
  }
  for (const [kind, rates] of Object.entries(found)) rates.stock ??= known[kind]?.stock;
  writeFileSync(RECORD, `${JSON.stringify(found, null, 1)}\n`);
  return true;
}

const round = (n) => Math.round(100 * n) / 100;
const share = (ranks, most) => round(ranks.filter((r) => r && r <= most).length / ranks.length);
const rates = (ranks) => ({ first: share(ranks, 1), five: share(ranks, 5), mrr: round(ranks.reduce((sum, r) => sum + (r ? 1 / r : 0), 0) / ranks.length) });
const found = Object.fromEntries([...kinds].map(([kind, ranks]) => [kind, { queries: ranks.length, ours: rates(ranks), ...(others && { stock: rates(others.get(kind)) }) }]));
const known = JSON.parse(readFileSync(RECORD, "utf8"));
const shown = (r) => [r.first, r.five, r.mrr].map((n, i) => n.toFixed(2).padStart([6, 8, 6][i])).join(" ");
const lost = [];
let isBelow = false;
console.log("kind".padEnd(14), "queries  first  in five   MRR", others ? "  Sphinx's own: first  in five   MRR" : "");
for (const [kind, { queries, ours: mine, stock: theirs }] of Object.entries(found)) {
  const least = known[kind]?.ours ?? mine;
  const below = Math.min(mine.first - least.first, mine.five - least.five) * queries < -1.5; // more than one query
  isBelow ||= below;
  if (["first", "five"].some((rate) => mine[rate] < least[rate])) lost.push(kind);
  console.log(kind.padEnd(14), String(queries).padStart(7), shown(mine), theirs ? " ".repeat(14) + shown(theirs) : "", below ? `  was ${shown(least)}` : "");
}
const isRefused = process.argv.includes("--record") && !record();
times.sort((a, b) => a - b);
console.log(`${index.entries.length} entries: ${size[0].toFixed(1)} KB compressed before the first result, ${size[1].toFixed(1)} KB after it`);
console.log(`ready in ${ready.toFixed(0)} ms, complete in ${complete.toFixed(0)} ms; a query takes ${times[times.length >> 1].toFixed(1)} ms, at the 95th percentile ${times[Math.floor(0.95 * times.length)].toFixed(1)} ms`);
process.exitCode = isRefused || (isBelow && !ENTRIES && QUERIES === OWN) ? 1 : 0;
