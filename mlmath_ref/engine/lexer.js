/** Formulas in LaTeX, ASCII and Unicode as one sequence of tokens. */

const LIMIT = 4000; // characters that are read

export const table = (text) => new Map(text.trim().split(/\s+/).map((pair) => pair.split(":")));
export const list = (text) => new Set(text.trim().split(/\s+/));

const GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega".split(" ");
const GREEK_LETTERS = new Map([
  ...[..."αβγδεζηθικλμνξοπρστυφχψω"].map((c, i) => [c, GREEK[i]]),
  ...[..."ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"].map((c, i) => [c, GREEK[i][0].toUpperCase() + GREEK[i].slice(1)]),
  ["ϵ", "epsilon"], ["ϕ", "phi"], ["ϑ", "theta"], ["ς", "sigma"], ["ℓ", "ell"], ["µ", "mu"],
]);
export const GREEK_NAMES = new Set(GREEK.flatMap((n) => [n, n[0].toUpperCase() + n.slice(1)]));

/** What a name is called here. */
const SAME = table(`varepsilon:epsilon eps:epsilon varphi:phi vartheta:theta varrho:rho varsigma:sigma lam:lambda
  ln:log lg:log logit:logit sigmoid:sigma logistic:sigma expit:sigma swish:silu std:sigma trace:tr determinant:abs det:abs
  infty:∞ inf:∞ infinity:∞ partial:∂ nabla:∇ grad:∇ transpose:tr_ avg:mean average:mean normal:N variance:var
  dagger:† prime:' clamp:clip layernorm:ln_ cosine:cos lvert:| rvert:| vert:| mid:| lVert:‖ rVert:‖ Vert:‖
  parallel:‖ cdot:* times:* odot:⊙ otimes:⊙ circ:⊙ oplus:+ ast:* star:* div:/ le:≤ leq:≤ leqslant:≤ ge:≥ geq:≥
  geqslant:≥ lt:< gt:> ne:≠ neq:≠ approx:= equiv:= sim:~ propto:= coloneqq:= triangleq:= to:→ rightarrow:→
  gets:= leftarrow:= mapsto:→ in:∈ notin:∉ cap:∩ wedge:∩ land:∩ cup:∪ vee:∪ lor:∪ and:∩ or:∪ pm:+ mp:- ldots:…
  dots:… cdots:… vdots:… ddots:… top:⊤ intercal:⊤ sum:Σ prod:Π int:∫ iint:∫ langle:⟨ rangle:⟩ lfloor:⌊ rfloor:⌋
  lceil:⌊ rceil:⌋ tfrac:frac dfrac:frac cfrac:frac succ:≻ prec:≺ colon:: lbrace:( rbrace:) lbrack:[ rbrack:]
  backslash:\\ slash:/ Pr:P setminus:- bigcup:∪ bigcap:∩ limits: nolimits: if:; where:; otherwise:; for:;
  mathbbm:mathbb`);
const CHARS = table(`−:- –:- —:- ·:* ⋅:* ×:* ∗:* ⨯:* ∘:⊙ ⊗:⊙ ⊙:⊙ ÷:/ ∕:/ ⁄:/ ∥:‖ ∣:| ≈:= ≡:= ≔:= ←:= ∝:= ∼:~ ∧:∩ ∨:∪ ∑:Σ ∏:Π
  ⊤:⊤ ᵀ:^⊤ ᵗ:^t ⟨:⟨ ⟩:⟩ 〈:⟨ 〉:⟩ ⌈:⌊ ⌉:⌋ √:sqrt ∛:sqrt ⋯:… ′:' ’:' ∞:∞ ∂:∂ ∇:∇ ½:(1/2) ¼:(1/4) ¾:(3/4) ⅓:(1/3) 𝟙:1 ‖:‖
  ≤:≤ ≥:≥ ≠:≠ ∈:∈ →:→ ↦:→ ±:+ ∩:∩ ∪:∪ ∫:∫ †:† 𝔼:E`);
const ACCENTS = table("hat:hat widehat:hat bar:bar overline:bar tilde:tilde widetilde:tilde dot:dot ddot:dot check:hat \u0302:hat \u0304:bar \u0305:bar \u0303:tilde \u0307:dot \u0308:dot");
const STYLES = list("mathrm mathbf mathit mathsf mathcal mathfrak mathscr mathbb mathtt boldsymbol bm vec text textbf textit textrm mbox operatorname operatorname* underline pmb mathop displaystyle textstyle rm bf underbrace overbrace hbox");
const SKIP = list("left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr , ; : ! limits nolimits displaystyle textstyle label tag nonumber notag middle allowbreak");
const GAPS = list("quad qquad \\");
/** Functions that need no brackets. */
export const FUNCTIONS = list("log exp sin cos tan tanh sinh cosh arctan erf abs tr rank diag softmax relu gelu silu sqrt max min argmax argmin lim sup clip round sign Γ norm mean var cov E kl");
export const BIG = list("Σ Π ∫ lim max min argmax argmin sup inf");
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣʸᵃᵇᶜᵈᵉᶠᵍʰʲᵏˡᵐᵒᵖʳˢᵘᵛʷᶻ";
const SUPER_TO = "0123456789+-=()nixyabcdefghjklmoprsuvwz";
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ";
const SUB_TO = "0123456789+-=()aehijklmnoprstuvx";
const SHIFTED = new Map([
  ...[...SUPERSCRIPTS].map((c, i) => [c, ["^", SUPER_TO[i]]]),
  ...[...SUBSCRIPTS].map((c, i) => [c, ["_", SUB_TO[i]]]),
]);

/**
 * Tokens {k, v, s, e}: k is "num", "name" (a letter or word), "fn" (stands before its argument),
 * "op", "acc" (an accent), "frac", "sqrt", "begin", "end" or "gap".
 */
export function tokens(text) {
  const source = text.slice(0, LIMIT);
  const isLatex = source.includes("\\");
  const out = [];
  const environments = [];
  const put = (k, v, s, e) => out.push({ k, v, s, e });
  const operator = (v, s, e) => {
    if (v === ";" || v === ",") put("gap", v, s, e);
    else if (FUNCTIONS.has(v) || BIG.has(v)) put(v === "sqrt" ? "sqrt" : "fn", v, s, e);
    else if (v) put(/^[A-Za-z∂∇∞…†]+$/u.test(v) ? "name" : "op", v, s, e);
  };
  const word = (raw, s, e) => {
    const isIndex = out.at(-1)?.v === "_" || (out.at(-1)?.v === "{" && out.at(-2)?.v === "_");
    const v = named(raw);
    if (isIndex && /^[a-z]{2,}$/.test(raw) && !GREEK_NAMES.has(v)) return put("name", raw, s, e); // n_in
    if (v.length > 2 && /^[a-z]+(hat|bar|tilde)$/.test(v)) {
      const [, base, accent] = /^(.*?)(hat|bar|tilde)$/.exec(v);
      put("acc", accent, s, s);
      return put("name", named(base), s, e);
    }
    if (/^(max|min)$/.test(v) && out.at(-1)?.v === "arg") return put("fn", `arg${v}`, out.pop().s, e);
    if (FUNCTIONS.has(v) && /^_[A-Za-z]{3,}/.test(source.slice(e)) && !isLatex && !GREEK_NAMES.has(/^_([A-Za-z]+)/.exec(source.slice(e, e + 20))[1])) return put("name", raw, s, e); // max_norm
    if (/^log(var|sigma|std|prob|p|q|pi)$/.test(v)) {
      put("fn", "log", s, s + 3);
      return word(raw.slice(3), s + 3, e);
    }
    if (FUNCTIONS.has(v)) return put(v === "sqrt" ? "sqrt" : "fn", v, s, e);
    if (v === "frac") return put("frac", v, s, e);
    if (BIG.has(v) && !isLatex && source[e] === "(") return out.push({ k: "fn", v, s, e, isCall: true }); // sum(x)/n
    return SAME.has(raw) ? operator(v, s, e) : put("name", v, s, e);
  };
  let i = 0;
  while (i < source.length) {
    const s = i;
    const rest = source.slice(i, i + 80);
    const c = String.fromCodePoint(source.codePointAt(i));
    let found;
    if ((found = /^\\(operatorname\*?|mathrm|mathsf|text\w*|mathop|mbox)\s*\{\s*([A-Za-z][\w ~.-]*?)\s*\}/.exec(rest))) {
      i += found[0].length;
      const name = found[2].replace(/[^A-Za-z0-9]+/g, "_");
      if (found[1].startsWith("text") && name.includes("_")) put("gap", ";", s, i);
      else word(name, s, i);
    } else if ((found = /^\\(begin|end)\s*\{([a-z]+)\*?\}(\{[lcr|]*\})?/.exec(rest))) {
      i += found[0].length;
      const grid = /matrix|cases|array/.test(found[2]);
      if (found[1] === "begin") environments.push(grid);
      else environments.pop();
      if (grid) put(found[1], found[2], s, i);
    } else if ((found = /^\\([A-Za-z]+\*?|.|$)/su.exec(rest))) {
      i += Math.max(1, found[0].length);
      command(found[1], s, i);
    } else if ((found = /^(?:\d+(?:,\d{3})+(?!\d)|\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+(?![\w]))?/.exec(rest))) {
      i += found[0].length;
      put("num", String(Number(found[0].replace(/,/g, ""))), s, i);
    } else if (SHIFTED.has(c)) {
      const [mark] = SHIFTED.get(c);
      put("op", mark, s, s);
      put("op", "{", s, s);
      while (i < source.length && SHIFTED.get(source[i])?.[0] === mark) {
        const v = SHIFTED.get(source[i])[1];
        if (/\d/.test(v) && out.at(-1).k === "num") out.at(-1).v += v;
        else put(/\d/.test(v) ? "num" : /[a-z]/.test(v) ? "name" : "op", v, i, i + 1);
        i++;
      }
      const run = out.slice(out.findLastIndex((t) => t.v === "{") + 1);
      const joined = run.map((t) => t.v).join("");
      if (/^(max|min|mean|avg|ref|old|new|out|in|model)$/.test(joined)) out.splice(-run.length, run.length, { k: "name", v: joined, s: run[0].s, e: i }); // σₘₐₓ
      put("op", "}", i, i);
    } else if (GREEK_LETTERS.has(c)) {
      i += c.length;
      const v = GREEK_LETTERS.get(c);
      const isBig = /[ΣΠ]/.test(c) && !/[\p{L}\p{M}]$/u.test(source.slice(Math.max(0, s - 1), s)) && !/^[\^⁻¹²ᵀ'+\-*/)\]=,;|‖]|^\s*$/.test(source.slice(i, i + 2).trim() || "");
      if (isBig) put("fn", c, s, i);
      else put("name", v, s, i);
    } else if ((found = /^[A-Za-z]+\d*/.exec(rest))) {
      i += letters(found[0], s);
    } else if (/\p{L}/u.test(c)) {
      i += c.length;
      const plain = c.normalize("NFKD");
      if (CHARS.has(c)) CHARS.get(c).startsWith("^") ? (put("op", "^", s, s), put("op", CHARS.get(c)[1], s, i)) : put("fn", CHARS.get(c), s, i);
      else if (plain.length > 1 && ACCENTS.has(plain[1])) {
        put("acc", ACCENTS.get(plain[1]), s, s);
        put("name", GREEK_LETTERS.get(plain[0]) ?? plain[0], s, i);
      } else put("name", GREEK_LETTERS.get(plain) ?? plain, s, i);
    } else if (/\p{M}/u.test(c)) {
      i += c.length; // an accent comes after its letter: put it before
      if (ACCENTS.has(c) && out.at(-1)?.k === "name") out.splice(-1, 0, { k: "acc", v: ACCENTS.get(c), s, e: i });
    } else if ((found = /^(\*\*|\|\||:=|<-|<=|>=|!=|==|->|=>|-=|\+=|\.\.\.|\.T\b|@)/.exec(rest))) {
      i += found[0].length;
      const v = { "**": "^", "||": "‖", ":=": "=", "<-": "=", "<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "->": "→", "=>": "→", "...": "…", "@": "*" }[found[0]];
      if (found[0] === "-=" || found[0] === "+=") {
        const target = out.at(-1);
        put("op", "=", s, i);
        if (target) out.push({ ...target });
        put("op", found[0][0], s, i);
      } else if (found[0] === ".T") {
        put("op", "^", s, i);
        put("op", "⊤", s, i);
      } else operator(v, s, i);
    } else if (/\s/.test(c)) {
      i += c.length;
      if (c === "\n" && !isLatex) put("gap", ";", s, i);
    } else {
      i += c.length;
      const v = CHARS.get(c) ?? c;
      if (c === "&") environments.at(-1) && put("gap", "&", s, i);
      else if (c === "." && /[\s\d]|^$/.test(source[i] ?? "")) continue; // a full stop
      else if (c === ".") put("op", "•", s, i);
      else if (v.startsWith("(") && v.length > 1) {
        const [a, b] = v.slice(1, -1).split("/");
        put("op", "(", s, s);
        put("num", a, s, i);
        put("op", "/", s, s);
        put("num", b, s, i);
        put("op", ")", i, i);
      } else if (",;".includes(c)) put("gap", c, s, i);
      else if (/^[\p{Cc}$#%?"`]$/u.test(c)) continue;
      else operator(v, s, i);
    }
  }
  return out;

  function named(raw) {
    if (GREEK_NAMES.has(raw)) return raw;
    const low = raw.toLowerCase();
    return SAME.get(raw) ?? (raw.length > 1 ? SAME.get(low) ?? (low.length > 2 && GREEK_NAMES.has(low) ? low : low) : raw);
  }

  function command(name, s, e) {
    if (GAPS.has(name)) put("gap", name === "\\" ? "\\" : ";", s, e);
    else if (SKIP.has(name) || name === " " || name === "") return;
    else if (STYLES.has(name) || name === "\n") return;
    else if (ACCENTS.has(name)) put("acc", ACCENTS.get(name), s, e);
    else if (name === "|") put("op", "‖", s, e);
    else if (name === "{" || name === "}") put("op", name === "{" ? "(" : ")", s, e);
    else if (name === "sqrt") put("sqrt", name, s, e);
    else if (/^[dtc]?frac$/.test(name)) put("frac", name, s, e);
    else if (/^[lr][vV]ert$/.test(name)) put("op", (name[0] === "l" ? "open" : "close") + (name[1] === "v" ? "|" : "‖"), s, e);
    else if (/^[A-Za-z]+\*?$/.test(name)) word(name, s, e);
    else operator(name, s, e);
  }

  /** A run of letters: separate ones in LaTeX; else a word, if it is not two or three matrices. */
  function letters(run, s) {
    const [, text, digits] = /^([A-Za-z]+)(\d*)$/.exec(run);
    const isWord = FUNCTIONS.has(named(text)) || SAME.has(text) || GREEK_NAMES.has(text);
    const isProduct = isLatex ? !isWord || text === "in" : !isWord && (/^[A-Z]{2,3}$/.test(text) || /^[a-z]?[A-Z][a-z]?$/.test(text)) && text.length > 1;
    const isScript = out.at(-1)?.v === "{" && /^[_^]$/.test(out.at(-2)?.v) && (text.length > 2 || /^[A-Z]{2}/.test(text)); // p_{data}
    if (isScript) put("name", text.length > 2 ? text.toLowerCase() : text, s, s + text.length);
    else if (text.length === 1) put("name", text, s, s + 1);
    else if (isProduct) {
      for (let k = 0; k < text.length; k++) put("name", text[k], s + k, s + k + 1);
    } else word(text, s, s + text.length);
    if (digits && !isLatex) {
      put("op", "_", s + text.length, s + text.length);
      put("num", String(Number(digits)), s + text.length, s + run.length);
    } else if (digits) return text.length;
    return run.length;
  }
}
