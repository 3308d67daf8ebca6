// Says each formula of the built site in words, by the Speech Rule Engine, into docs/speech.json.
// Usage: node tools/speech.mjs. What the record has is kept; what no page has is left out. To have
// all said again, remove the record.

import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SITE = `${ROOT}build/site/`;
const RECORD = `${ROOT}docs/speech.json`;
const require = createRequire(`${ROOT}build/node/`);
const { version } = require("speech-rule-engine/package.json");
const { engineReady, setupEngine, toSpeech } = require("speech-rule-engine");
const engine = `speech-rule-engine ${version}`;

// What the engine does not know by the name that it has here.
const WORDS = [
  [/\bdown tack\b/g, "transpose"],
  [/(Start|End)Metric\b/g, "$1Norm"],
  [/\bWith caret\b/g, "With hat"],
  [/\bnormal (upper|[a-z])\b/g, "$1"],
  [/\blamda\b/g, "lambda"],
  [/\bperiod period period\b/g, "ellipsis"],
];
// It cannot tell a column of two from a binomial coefficient; a table is none.
const COLUMN = /StartBinomialOrMatrix (.*?) Choose (.*?) EndBinomialOrMatrix/g;
const ROWS = "Start 2 By 1 Matrix 1st Row $1 2nd Row $2 EndMatrix";

const unescaped = (text) =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");

/** LaTeX as the record has it: one line, and the same whether it is displayed. */
const key = (latex) => latex.trim().split(/\s+/).join(" ").replace(/^\\displaystyle /, "");

/** The MathML of each formula, by its LaTeX. */
function formulas() {
  const found = new Map();
  for (const path of readdirSync(SITE, { recursive: true }).filter((p) => p.endsWith(".html"))) {
    const page = readFileSync(SITE + path, "utf8");
    for (const [math] of page.matchAll(/<math.*?<\/math>/gs)) {
      const latex = unescaped(/<annotation[^>]*>(.*?)<\/annotation>/s.exec(math)[1]);
      found.set(key(latex), math);
    }
  }
  return found;
}

/** MathML that the engine reads well: words are words, and nothing but what is seen. */
const plain = (math) =>
  math
    .replace(/<annotation.*?<\/annotation>|<\/?semantics>|\uFE00/gs, "")
    .replace(/^<math[^>]*>/, "<math>")
    .replace(/<(mi|mo)[^>]*>([a-z]*[A-Z][A-Za-z]+|[a-z]+[A-Z])<\/\1>/g, "<mtext>$2</mtext>")
    .replaceAll("\u02C6", "^")
    .replaceAll("\u2223", "|");

/** A formula in words. */
function spoken(math) {
  const words = WORDS.reduce((text, pair) => text.replace(...pair), toSpeech(plain(math)));
  return math.includes("<mtable") ? words.replace(COLUMN, ROWS) : words;
}

async function main() {
  // MathSpeak says what is written. ClearSpeak takes x^l for a power and s (a b) for a function.
  await setupEngine({ locale: "en", domain: "mathspeak", modality: "speech", markup: "none" });
  await engineReady();
  const old = existsSync(RECORD) ? JSON.parse(readFileSync(RECORD, "utf8")) : {};
  const known = old.engine === engine ? old.formulas : {};
  const found = formulas();
  const said = {};
  for (const latex of [...found.keys()].sort()) {
    said[latex] = known[latex] ?? spoken(found.get(latex));
  }
  writeFileSync(RECORD, JSON.stringify({ engine, formulas: said }, null, 1) + "\n");
  console.log(`${found.size} formulas, ${Object.keys(said).filter((l) => !(l in known)).length} of them new`);
}

await main();
