/**
 * Formulas as operator trees: one parser, and one tree for all notations of the same.
 *
 * A node is {op, args, v, sub, acc, s, e}: the operator, its arguments, the name or number of a leaf,
 * its indices, its accent, and where it stands in the text. Notations of the same thing give the same
 * tree: quotients are products with inverses, exp(x) is e^x, sums and products are flat and sorted.
 */

import { tokens, table, list, GREEK_NAMES, BIG } from "./lexer.js";

const DEPTH = 40; // brackets in brackets that are followed
const RELATIONS = table("=:= <:< >:> ≤:< ≥:> ≠:≠ ∈:∈ ∉:∉ →:→ ~:~ ≻:≻ ≺:≻");
const CLOSING = { "(": ")", "[": "]", "{": "}", "⟨": "⟩", "⌊": "⌋" };
const CLOSERS = new Set([...Object.values(CLOSING), "\\end"]);
export const NAMED = list("e pi ∞ ∂ ∇"); // letters that keep their meaning

export const node = (op, args, at, extra) => ({ op, args, s: at.s, e: at.e, ...extra });
export const number = (v, at) => node("num", [], at, { v });
const span = (a, b) => ({ s: Math.min(a.s, b.s), e: Math.max(a.e, b.e) });
const isNumber = (n, v) => n.op === "num" && n.v === v;

function flat(op, args, at) {
  const all = args.flatMap((a) => (a.op === op && !a.sub ? a.args : [a]));
  return all.length === 1 ? all[0] : node(op, all, at);
}

/** A product; signs stand before it. */
function product(args, at) {
  if (args.length === 1 && args[0].sub) return args[0];
  const flip = args.filter((a) => a.op === "neg").length % 2 === 1;
  const all = flat("mul", args.map((a) => (a.op === "neg" ? a.args[0] : a)), at);
  const kept = all.op === "mul" ? all.args.filter((a) => !isNumber(a, "1")) : [all];
  const result = kept.length ? flat("mul", kept, at) : number("1", at);
  return flip ? negative(result, at) : result;
}
const negative = (a, at) => (a.op === "neg" ? a.args[0] : node("neg", [a], at));
const inverse = (a, at) => {
  if (a.op === "inv") return a.args[0];
  if (a.op === "mul" && !a.sub) return product(a.args.map((x) => inverse(x, x)), at);
  if (a.op === "neg") return negative(inverse(a.args[0], at), at);
  if (isNumber(a, "1")) return a;
  if (a.op === "num" && a.v === "0.5") return number("2", at);
  return node("inv", [a], at);
};
const root = (a, at) =>
  a.op === "mul" && !a.sub ? product(a.args.map((x) => root(x, x)), at) : a.op === "inv" ? inverse(root(a.args[0], at), at) : node("sqrt", [a], at);

function power(base, exponent, at) {
  if (exponent.op === "neg" && !(base.op === "sym" && base.v === "e")) return inverse(power(base, exponent.args[0], at), at);
  if (isNumber(exponent, "1")) return base;
  if (exponent.op === "inv" && isNumber(exponent.args[0], "2")) return root(base, at);
  if (exponent.op === "mul" && exponent.args.some((a) => a.op === "inv" && isNumber(a.args[0], "2"))) {
    const left = exponent.args.filter((a) => !(a.op === "inv" && isNumber(a.args[0], "2")));
    return root(power(base, product(left, exponent), at), at);
  }
  if (base.op === "sym" && base.v === "e" && !base.sub) return node("exp", [exponent], at);
  return node("pow", [base, exponent], at);
}

/** Functions that are written as operators elsewhere. */
function applied(name, args, at) {
  const [a] = args;
  if (args.length === 1) {
    if (name === "exp") return node("exp", args, at);
    if (name === "sqrt") return root(a, at);
    if (name === "norm") return node("norm", args, at);
    if (name === "abs") return node("abs", args, at);
    if (name === "tr_") return node("T", args, at);
    if (name === "inv") return inverse(a, at);
    if (name === "mean") return product([inverse(node("sym", [], at, { v: "n" }), at), node("Σ", args, at)], at);
    if (name === "square") return power(a, number("2", at), at);
  }
  if (name === "dot" || name === "matmul") return product(args, at);
  if (name === "pow" && args.length === 2) return power(a, args[1], at);
  return node("fn", args, at, { v: name });
}

/** Letters that stand for functions when a bracket follows. */
const FUNCTION_LETTERS = list("f g h p q P H I D K J L E N F G U Q V T R σ sigma phi Phi pi rho kappa psi Gamma ell Pi S A B");

class Parser {
  constructor(text) {
    this.tokens = tokens(text);
    this.at = 0;
    this.depth = 0;
    this.bars = [];
    this.end = { k: "eof", v: "", s: text.length, e: text.length };
  }
  get next() {
    return this.tokens[this.at] ?? this.end;
  }
  take() {
    return this.tokens[this.at++] ?? this.end;
  }
  is(v) {
    return this.next.k === "op" && this.next.v === v;
  }

  /** Expressions up to a closing bracket or the end; what does not fit is left out. */
  list(close) {
    const found = [];
    while (this.next.k !== "eof") {
      const { k, v } = this.next;
      if (close && ((k === "op" && v === close) || (k === "end" && close === "\\end"))) break;
      if (k === "gap") {
        this.take();
        continue;
      }
      const before = this.at;
      const e = this.relation();
      if (e) found.push(e);
      if (this.at === before) {
        if (close && (CLOSERS.has(v) || k === "end")) break; // a bracket of ours was never closed
        this.take();
      }
    }
    return found;
  }

  relation() {
    let left = this.condition();
    const parts = left ? [left] : [];
    let op = "";
    while (this.next.k === "op" && RELATIONS.has(this.next.v)) {
      op = RELATIONS.get(this.take().v);
      const right = this.condition();
      if (right && op === ">") parts.unshift(right);
      else if (right) parts.push(right);
    }
    if (!op || !parts.length) return parts[0];
    left = span(parts[0], parts.at(-1));
    return parts.length > 1 ? node(op === ">" ? "<" : op, parts, left) : parts[0];
  }

  /** a | b, and p ‖ q. */
  condition() {
    const parts = [];
    for (;;) {
      const e = this.sum();
      if (e) parts.push(e);
      if (!(this.is("|") || this.is("‖") || this.is(":")) || this.bars.includes(this.next.v)) break;
      if (this.is("‖") && this.bars.at(-1) === "|") break;
      this.take();
    }
    return parts.length > 1 ? node("|", parts, span(parts[0], parts.at(-1))) : parts[0];
  }

  sum() {
    const parts = [];
    let joint = "";
    let isLong = false; // a + b + ... + z
    for (;;) {
      let sign = 1;
      let from = null;
      while (this.is("+") || this.is("-") || this.is("∩") || this.is("∪")) {
        const t = this.take();
        from ??= t;
        if (t.v === "-") sign = -sign;
        else if (t.v !== "+" && parts.length) joint = t.v;
      }
      if (this.next.k === "name" && this.next.v === "…") {
        this.take();
        isLong = true;
        continue;
      }
      const e = this.product();
      if (!e) break;
      parts.push(sign < 0 ? negative(e, from ? span(from, e) : e) : e);
      if (!(this.is("+") || this.is("-") || this.is("∩") || this.is("∪"))) break;
    }
    if (isLong && parts.length) return node("Σ", parts.slice(-1), span(parts[0], parts.at(-1)));
    if (parts.length < 2) return parts[0];
    return flat(joint || "add", parts, span(parts[0], parts.at(-1)));
  }

  product() {
    let parts = [];
    let divide = false;
    let marked = false;
    for (;;) {
      if (this.is("*") || this.is("⊙") || this.is("/") || this.is("•")) {
        const { v } = this.take();
        if (v === "•" && parts.length) { // a.b is an inner product
          const b = this.factor();
          const a = parts.pop();
          parts.push(b ? node("Σ", [product([a, b], span(a, b))], span(a, b)) : a);
          continue;
        }
        if (v === "/") divide = true;
        if (v === "⊙") marked = true;
        continue;
      }
      let e;
      if (parts.length && this.is("-") && this.tokens[this.at - 1]?.k === "op" && "*/⊙".includes(this.tokens[this.at - 1].v)) {
        const minus = this.take();
        e = this.factor();
        e &&= negative(e, span(minus, e));
      } else e = this.factor();
      if (!e) break;
      if (e.op === "…") continue;
      const isBelow = e.d && parts.at(-1)?.op === "inv" && parts.at(-1).args[0].d; // ∂²f/∂x∂y
      parts.push(divide || isBelow ? inverse(e, e) : e);
      divide = false;
    }
    if (!parts.length) return undefined;
    const [first] = parts;
    if (first.op === "∂" && !first.args.length && parts.length > 1) {
      const rest = parts.slice(1);
      parts = [{ ...first, args: [product(rest, span(rest[0], rest.at(-1)))], e: rest.at(-1).e }];
    }
    const d = parts.findIndex((n, i) => n.d && parts[i + 1]?.op === "inv" && parts[i + 1].args[0].d);
    if (d >= 0) parts.splice(d, parts.length, derivative(parts.slice(d)));
    const result = product(parts, span(parts[0], parts.at(-1)));
    if (marked && result.op === "mul") result.marked = true;
    return result;
  }

  /** An atom with powers, indices, primes, and the bracket it is applied to. */
  factor() {
    let base = this.atom();
    if (!base) return undefined;
    for (;;) {
      const t = this.next;
      if (t.k !== "op") break;
      if (t.v === "^") base = this.raised(base, this.take());
      else if (t.v === "_") {
        this.take();
        if (this.is("+")) {
          base = node("max", [number("0", t), base], { s: base.s, e: this.take().e });
          continue;
        }
        const sub = this.script();
        base = { ...base, sub: [...(base.sub ?? []), ...sub], e: this.last() };
      } else if (t.v === "'") {
        this.take();
        base = this.primed(base, t);
      } else if (t.v === "[" && base.op === "sym" && /^[a-zA-DF-GJ-MO-TV-Z]$/.test(base.v) && /^[\w+\-,:]{1,5}$/.test(this.peek())) { // f[n]
        base = { ...base, sub: [...(base.sub ?? []), ...this.bracket()], e: this.last() };
      } else if ((t.v === "(" || t.v === "[") && base.op === "sym" && this.isCall(base)) {
        const args = this.bracket();
        base = node("fn", args, { s: base.s, e: this.last() }, { v: base.v, sub: base.sub, acc: base.acc });
      } else break;
    }
    return base;
  }
  /** f' is a derivative, x' another x. */
  primed(base, t) {
    const isFunction = base.op !== "sym" || /^([fghuvy]|phi|sigma)$/.test(base.v);
    if (!isFunction) return { ...base, acc: "'", e: t.e };
    let of = base;
    if (base.op === "sym" && (this.is("(") || this.is("["))) of = node("fn", this.bracket(), { s: base.s, e: this.last() }, { v: base.v });
    return node("∂", [of], { s: base.s, e: this.last() });
  }
  last() {
    return this.tokens[this.at - 1]?.e ?? this.end.e;
  }

  /** f(x) is an application; r (d + k) is a product. */
  isCall(base) {
    if (base.v.length > 1 && !GREEK_NAMES.has(base.v) && !NAMED.has(base.v)) return true;
    if (FUNCTION_LETTERS.has(base.v) && !(/^[ABCGKMQRSTUWX]$/.test(base.v) && /[+-]/.test(this.peek()) && !/[,|;‖]/.test(this.peek()))) return true;
    const inside = this.peek();
    return /[,;]/.test(inside) || inside.length === 1 && /[a-zα-ω]/.test(inside) && /^[a-zA-Z]$/.test(base.v);
  }
  /** What stands in the bracket that comes, without brackets in it. */
  peek() {
    let depth = 0;
    let text = "";
    for (let i = this.at; i < this.tokens.length && i < this.at + 60; i++) {
      const { v, k } = this.tokens[i];
      if (k === "op" && "([{".includes(v)) depth++;
      else if (k === "op" && ")]}".includes(v)) {
        if (--depth <= 0) break;
      } else if (depth === 1) text += v;
    }
    return text;
  }

  raised(base, at) {
    const t = this.next;
    if (t.k === "op" && (t.v === "⊤" || t.v === "†" || t.v === "*")) {
      this.take();
      const isMatrix = base.op !== "sym" || /^[A-Z]/.test(base.v);
      return t.v === "⊤" || (t.v === "*" && isMatrix && !this.is("_") && !this.is("(")) ? node("T", [base], { s: base.s, e: t.e }) : { ...base, acc: t.v, e: t.e };
    }
    const isOpen = this.is("{") || this.is("(");
    const inner = isOpen ? this.tokens[this.at + 1] : t;
    if (isOpen && inner?.k === "op" && "([".includes(inner.v) || this.is("[")) { // an index above: ^{(l)}
      const sub = this.script();
      return { ...base, sub: [...(base.sub ?? []), ...sub], e: this.last() };
    }
    const only = !isOpen || this.tokens[this.at + 2]?.v === "}";
    if (only && inner?.k === "op" && "⊤†*'+-".includes(inner.v) && (isOpen || inner.v !== "-")) {
      if (isOpen) this.take();
      const mark = this.take();
      if (isOpen) this.take();
      return mark.v === "⊤" || mark.v === "*" ? node("T", [base], { s: base.s, e: this.last() }) : { ...base, acc: mark.v, e: this.last() };
    }
    const [exponent] = this.script();
    if (!exponent) return base;
    const where = { s: base.s, e: this.last() };
    if (exponent.op === "sym" && exponent.v === "T" && !exponent.sub && !/^[0-9]/.test(base.v ?? "")) return node("T", [base], where);
    if (exponent.op === "neg" && exponent.args[0].v === "T") return inverse(node("T", [base], where), where);
    if (base.op === "sym" && this.isIndex(base, exponent)) return { ...base, sub: [...(base.sub ?? []), exponent], e: this.last() };
    if (base.d && isNumber(exponent, "2")) return { ...base, d: 2 };
    if (base.op === "sym" && base.v === "∂") return { ...base, e: this.last(), second: true };
    return power(base, exponent, where);
  }

  /** W^l_{jk}, x^i_j, K^V and π^{ref} are names; x^n is a power. */
  isIndex(base, exponent) {
    const { v } = exponent.op === "add" ? exponent.args.find((a) => a.op === "sym") ?? exponent : exponent;
    if (exponent.op === "sym" && /^[A-Z]/.test(v) && !GREEK_NAMES.has(v)) return true;
    const isWord = exponent.op === "sym" && v.length > 1 && !GREEK_NAMES.has(v);
    const isIndexed = base.sub?.length > 0 || this.is("_") || (isWord && this.is("("));
    return v === "l" || v === "ell" || ((isWord || /^[ijkt]$/.test(v)) && base.v !== "e" && isIndexed);
  }

  /** What stands above or below: a group, or one token with its sign. */
  script() {
    if (this.is("{")) {
      this.take();
      return this.group("}");
    }
    if (this.is("(") || this.is("[")) return this.bracket();
    const sign = this.is("-") ? this.take() : this.is("+") ? void this.take() : null;
    if (this.is("*")) {
      this.take();
      return [node("sym", [], this.end, { v: "*" })];
    }
    const t = this.next;
    let e = t.k === "fn" ? node("sym", [], this.take(), { v: t.v }) : this.atom();
    if (e && this.tokens[this.at - 1]?.k === "name" && (this.is("(") || this.is("[")) && sign) {
      e = applied(e.v, this.bracket(), e);
    }
    if (!e) return [];
    return [sign ? negative(e, span(sign, e)) : e];
  }

  group(close) {
    if (this.depth > DEPTH) return [];
    this.depth++;
    const bars = this.bars;
    this.bars = [];
    const found = this.list(close);
    this.bars = bars;
    this.depth--;
    if (this.is(close)) this.take();
    return found;
  }
  bracket() {
    const { v } = this.take();
    return this.group(CLOSING[v]);
  }

  atom() {
    const t = this.next;
    if (t.k === "num") {
      this.take();
      return t.v === "0.5" ? node("inv", [number("2", t)], t) : number(t.v, t);
    }
    if (t.k === "name") {
      this.take();
      if (t.v === "…") return node("…", [], t);
      if (t.v === "∇") return this.operator(t);
      if (t.v === "∂" || (t.v === "d" && this.isRate)) return this.differential(t);
      return node("sym", [], t, { v: t.v });
    }
    if (t.k === "acc") {
      this.take();
      if (this.depth++ > DEPTH) return undefined;
      const inner = this.is("{") ? (this.take(), this.group("}")) : [this.atom()];
      this.depth--;
      return inner[0] && { ...inner[0], acc: t.v, s: t.s < inner[0].s ? t.s : inner[0].s, e: this.last() };
    }
    if (t.k === "frac") return this.fraction();
    if (t.k === "sqrt") return this.radical();
    if (t.k === "fn") return this.function();
    if (t.k === "begin") {
      this.take();
      if (this.depth > DEPTH) return undefined;
      const args = this.group("\\end");
      if (this.next.k === "end") this.take();
      return node(t.v === "cases" ? "cases" : "matrix", args, { s: t.s, e: this.last() });
    }
    if (t.k !== "op") return undefined;
    if (t.v === "{") {
      const inner = this.bracket();
      return inner.length === 1 ? inner[0] : inner.length ? node("list", inner, span(inner[0], inner.at(-1))) : undefined;
    }
    if (t.v in CLOSING) {
      const args = this.bracket();
      const at = { s: t.s, e: this.last() };
      if (t.v === "⟨") return args.length ? node("Σ", [product(args.slice(0, 2), at)], at) : undefined;
      if (t.v === "⌊") return node("round", args, at);
      return args.length === 1 ? { ...args[0], ...at } : args.length ? node("list", args, at) : undefined;
    }
    if (/^open/.test(t.v) || ((t.v === "|" || t.v === "‖") && this.opens(t.v))) return this.barred(t);
    return undefined;
  }

  /** Whether a bar opens: its like follows in the same brackets. */
  opens(bar) {
    if (this.bars.includes(bar) || (bar === "‖" && this.bars.at(-1) === "|")) return false;
    let depth = 0;
    for (let i = this.at + 1; i < this.tokens.length; i++) {
      const { k, v } = this.tokens[i];
      if (k === "gap" && depth === 0) return false;
      if (k !== "op") continue;
      if ("([{".includes(v)) depth++;
      else if (")]}".includes(v) && --depth < 0) return false;
      else if (depth === 0 && (v === bar || (v === "‖" && bar === "|"))) return i > this.at + 1;
    }
    return false;
  }

  /** |x| and ‖x‖. */
  barred(t) {
    if (this.depth > DEPTH) return undefined;
    this.take();
    this.depth++;
    const forced = t.v.startsWith("open");
    const bar = t.v.at(-1);
    this.bars.push(forced ? `close${bar}` : bar);
    const inner = this.sum();
    this.bars.pop();
    this.depth--;
    if (!forced && bar === "|" && this.is("‖")) { // |a||b|
      const { s, e } = this.next;
      this.tokens.splice(this.at, 1, { k: "op", v: "|", s, e }, { k: "op", v: "|", s, e });
    }
    if (this.next.k === "op" && (this.next.v === bar || this.next.v === `close${bar}`)) this.take();
    return inner && node(bar === "|" ? "abs" : "norm", [inner], { s: t.s, e: this.last() });
  }

  fraction() {
    const t = this.take();
    const part = () => (this.is("{") ? (this.take(), this.group("}")) : [this.digit()])[0];
    const outer = this.isRate;
    const [, first, second] = this.tokens.slice(this.at, this.at + 3);
    this.isRate = first?.v === "d" && (second?.v === "}" || second?.v === "^" || this.tokens[this.at + 3]?.v === "}");
    const [a, b] = [part(), part()];
    this.isRate = outer;
    const at = { s: t.s, e: this.last() };
    if (!a || !b) return a ?? b;
    if (a.d || (a.op === "mul" && a.args[0].d)) {
      const parts = a.op === "mul" ? a.args : [a];
      return { ...derivative([parts[0], inverse(b, b), ...parts.slice(1)]), ...at };
    }
    return { ...product([a, inverse(b, b)], at), ...at };
  }
  /** \frac12 */
  digit() {
    const t = this.next;
    if (t.k === "num" && t.v.length > 1 && !t.v.includes(".")) {
      this.tokens.splice(this.at, 1, { ...t, v: t.v[0], e: t.s + 1 }, { ...t, v: t.v.slice(1), s: t.s + 1 });
    }
    return this.atom();
  }

  radical() {
    const t = this.take();
    let degree;
    if (this.is("[")) [degree] = this.bracket();
    const e = this.factor();
    const at = { s: t.s, e: this.last() };
    if (!e) return undefined;
    return degree ? power(e, inverse(degree, degree), at) : root(e, at);
  }

  /** Named functions, and sums, products, limits and extrema with what stands below them. */
  function() {
    const t = this.take();
    if (this.depth > DEPTH) return undefined;
    let sub;
    let exponent;
    while (this.is("_") || this.is("^")) {
      const { v } = this.take();
      if (v === "_") sub = this.script();
      else [exponent] = this.script();
    }
    this.depth++;
    const isBig = BIG.has(t.v) && (/^([ΣΠ∫]|arg(max|min))$/.test(t.v) || sub);
    let args;
    if ((!isBig || t.isCall) && (this.is("(") || this.is("["))) args = this.bracket();
    else if (isBig) args = [/^(arg)?(max|min)$/.test(t.v) ? this.sum() : this.product()];
    else {
      let e = this.is("-") ? this.product() : this.angle(t.v) ?? this.factor();
      if (e && this.is("/") && this.tokens[this.at + 1]?.k === "name") { // log p/q
        this.take();
        const below = this.factor();
        if (below) e = product([e, inverse(below, below)], span(e, below));
      }
      args = [e];
    }
    this.depth--;
    const at = { s: t.s, e: this.last() };
    args = args.filter(Boolean);
    if (!args.length) return node("sym", [], t, { v: t.v });
    if (isBig) return exponent && t.isCall ? power(node(t.v, args, at), exponent, at) : node(t.v, args, at, { limits: sub });
    const result = applied(t.v, args, at);
    if (sub && result.op === "fn") result.sub = sub;
    return exponent ? power(result, exponent, at) : result;
  }

  /** The product that a sine without brackets is of: cos mθ. */
  angle(name) {
    if (!/^(sin|cos|tan)$/.test(name)) return undefined;
    const from = this.at;
    const parts = [];
    while (/^(num|name)$/.test(this.next.k) && parts.length < 4) {
      const { v, k } = this.next;
      parts.push(this.factor());
      if (k === "name" && GREEK_NAMES.has(v)) return parts.length > 1 ? product(parts, span(parts[0], parts.at(-1))) : parts[0];
      if (!this.is("*") && this.next.k === "op") break;
      if (this.is("*")) this.take();
    }
    this.at = from;
    return undefined;
  }

  operator(t) {
    let sub;
    let squared = false;
    while (this.is("_") || this.is("^")) {
      if (this.take().v === "_") sub = this.script();
      else squared = isNumber(this.script()[0] ?? t, "2");
    }
    if (this.depth++ > DEPTH) return undefined;
    const e = this.factor();
    this.depth--;
    if (!e) return node("sym", [], t, { v: "g" });
    return node(squared ? "∇²" : "∇", [e], { s: t.s, e: this.last() }, { sub });
  }

  /** ∂f or ∂x_i ∂x_j: the letters belong to it. */
  differential(t) {
    if (this.is("^")) {
      this.take();
      this.script();
    }
    if (this.is("_")) {
      this.take();
      const sub = this.script();
      const e = this.factor();
      return node("∂", e ? [e] : [], { s: t.s, e: this.last() }, { sub });
    }
    if (this.depth++ > DEPTH) return undefined;
    const e = this.next.k === "name" || this.next.k === "acc" || this.is("{") || this.is("(") || this.next.k === "fn" ? this.factor() : undefined;
    this.depth--;
    const args = e ? (e.op === "∂_" ? [...e.args] : [e]) : [];
    return node("∂_", args, { s: t.s, e: this.last() }, { d: 1 });
  }
}

/** ∂f / ∂x and d/dx f, from the factors. */
function derivative(parts) {
  const [above, below, ...rest] = parts;
  const wrt = [];
  const other = [];
  const gather = (n) => {
    if (n.op === "∂_") wrt.push(...n.args.flatMap((a) => (a.op === "mul" ? a.args : [a])));
    else if (n.op === "inv") gather(n.args[0]);
    else if (n.op === "mul") n.args.forEach(gather);
    else if (n.op === "pow" && n.args[0].d) wrt.push(n.args[0].args[0], n.args[0].args[0]);
    else other.push(n);
  };
  gather(below);
  while (rest.length && rest[0].op === "inv" && rest[0].args[0].d) gather(rest.shift());
  const at = span(above, below);
  if (above.args.length) return product([node("∂", [above.args[0]], at, { wrt }), ...other, ...rest], span(at, parts.at(-1)));
  const body = rest.length ? product(rest, span(rest[0], rest.at(-1))) : undefined;
  return node("∂", body ? [body] : [], span(at, parts.at(-1)), { wrt });
}

/** The statements of a text, as trees. Never throws; what cannot be read is left out. */
export function parse(text) {
  return new Parser(text).list().map((n) => normal(tidy(n)));
}

const isSimple = (n) => (n.op === "sym" && !n.call) || n.op === "num" || ((n.op === "|" || n.op === "list") && n.args.every(isSimple));
const isVector = (n) => n.op === "sym" && /^[a-z]/.test(n.v);
const two = (at) => number("2", at);

/** A node without what was computed of it. */
export const bare = ({ wild, exact, size, ordered, ...n }) => n;

/** One tree for what is written in several ways: norms and inner products as sums, p(x) as p. */
export const normal = (n) => rewritten({ ...n, args: n.args.map(normal) });

/** A node of the one tree, whose arguments are such nodes. */
export function rewritten(n) {
  const [a] = n.args;
  if (n.op === "norm") {
    const below = n.sub?.[0];
    if (below?.v === "*" || below?.v === "∞") return n;
    const { sub, ...bare } = n;
    if (below?.v === "1") return { ...bare, op: "Σ", args: [node("abs", [a], a)] };
    return { ...bare, op: "sqrt", args: [node("Σ", [power(a, two(a), a)], a)] };
  }
  if ((n.op === "inv" || n.op === "sqrt") && a.op === "add" && a.args.length > 1) { // an epsilon for stability
    const left = a.args.filter((x) => !(x.op === "sym" && x.v === "epsilon" && !x.acc));
    if (left.length === 1 && a.args.length === 2) return rewritten(n.op === "sqrt" ? root(left[0], n) : inverse(left[0], n));
  }
  if (n.op === "sqrt" && a.op === "pow" && a.args[0].op === "sym" && isNumber(a.args[1], "2")) return { ...a.args[0], s: n.s, e: n.e };
  if (n.op === "sym" && n.v === "var") return node("pow", [{ ...n, v: "sigma" }, two(n)], n);
  if (n.op === "exp" && a.op === "fn" && a.v === "log" && a.args.length === 1) return a.args[0];
  if (n.op === "pow" && a.op === "sqrt" && isNumber(n.args[1], "2")) return { ...a.args[0], s: n.s, e: n.e };
  if (n.op === "Σ" && a?.op === "Σ") return { ...n, args: a.args };
  if (n.op === "∇" || n.op === "∇²") {
    const call = a?.call ?? (a?.op === "fn" && a.v.length === 1 ? a.args : undefined);
    return a && (isSimple(a) || call) ? node("sym", [], n, { v: n.op === "∇" ? "g" : "H", slope: true, call }) : n;
  }
  if (n.op === "mul" || n.op === "add" || n.op === "neg" || n.op === "Σ") n.args = n.args.map(indicator);
  if (n.op === "add" && n.args.every((x) => x.op === "pow" && isNumber(x.args[1], "2"))) return { ...n, op: "Σ", args: [n.args[0]] }; // x^2 + y^2
  if (n.op === "mul") return factors(n);
  if (n.op !== "fn") return n;
  if (n.v === "D" && a?.op === "|" && n.sub?.length === 1 && n.sub[0].v?.length > 1) { // a divergence goes by its name
    const { sub: [{ v }], ...rest } = n;
    return { ...rest, v };
  }
  if (/^([pPqQ]|pi)$/.test(n.v)) return { ...n, op: "sym", args: [], call: n.args };
  const isLetter = n.v.length === 1 || (GREEK_NAMES.has(n.v) && n.v !== "sigma" && n.v !== "Gamma") || n.v === "diag";
  if (n.v === "clip" && n.args.length === 3) return node("fn", [node("fn", n.args.slice(0, 2), n, { v: "max" }), n.args[2]], n, { v: "min" });
  if (n.v === "var" && a && isSimple(a)) return node("pow", [node("sym", [], n, { v: "sigma" }), two(n)], n);
  if (n.v === "E" && n.args.length === 1 && !isSimple(a)) return product([node("inv", [node("sym", [], n, { v: "n" })], n), rewritten(node("Σ", [a], n))], n);
  if (isLetter && n.args.every(isSimple)) return { ...n, op: "sym", args: [], call: n.args };
  return n;
}

/** A relation in the place of a number is 1 where it holds. */
const indicator = (n) => (RELATIONS.has(n.op) ? { ...n, op: "sym", v: "1", args: [], call: n.args } : n);

/** Inner products and squares among factors. */
function factors(n) {
  const found = [];
  for (const f of n.args) {
    const last = found.at(-1);
    const bothBelow = last?.op === "inv" && f.op === "inv" && last.args[0].op === "T" && isVector(last.args[0].args[0]) && isVector(f.args[0]);
    if (bothBelow) { // 1 / (b'b)
      found.pop();
      const [b, c] = [last.args[0].args[0], f.args[0]];
      found.push(node("inv", [node("Σ", [factors(node("mul", [b, c], span(b, c)))], span(b, c))], span(last, f)));
    } else if (last?.op === "T" && isVector(last.args[0]) && (isVector(f) || f.op === "∂")) {
      found.pop();
      found.push(node("Σ", [factors(node("mul", [last.args[0], f], span(last, f)))], span(last, f)));
    } else if (last?.op === "sym" && f.op === "sym" && exact(last) === exact(f) && subs(last) === subs(f)) {
      found.pop();
      found.push(node("pow", [f, two(f)], span(last, f)));
    } else if (f.op === "add" && f.args.length > 2 && f.args.some((x) => x.op === "neg" && x.args[0].op === "num")) {
      found.push(node("neg", [{ ...f, args: f.args.map((x) => negative(x, x)) }], f));
    } else found.push(f);
  }
  const mean = found.findIndex((f) => f.op === "inv" && f.args[0].op === "Σ");
  const sum = mean < 0 ? -1 : found.findIndex((f) => f.op === "Σ" && f.args[0].op === "mul" && f.args[0].args.some((x) => exact(x) === exact(found[mean].args[0].args[0])));
  if (sum >= 0) { // a mean with weights is a mean
    const weight = exact(found[mean].args[0].args[0]);
    const [of] = found[sum].args;
    found[sum] = { ...bare(found[sum]), args: [product(of.args.filter((x) => exact(x) !== weight), of)] };
    found[mean] = node("inv", [node("sym", [], found[mean], { v: "n" })], found[mean]);
  }
  const result = product(found, n);
  return n.marked && result.op === "mul" ? { ...result, marked: true } : result;
}
export const subs = (n) => (n.sub ?? []).map((x) => shape(x, exactName) + subs(x)).join();

/** Two-letter differentials dx/du are derivatives too. */
function tidy(n) {
  const args = n.op === "mul" && n.args.some((a) => a.op === "inv" && isD(a.args[0])) ? n.args : n.args.map(tidy);
  if (n.op === "mul" && args.length >= 2) {
    const i = args.findIndex((a) => isD(a));
    const j = args.findIndex((a) => a.op === "inv" && isD(a.args[0]));
    const d = args.findIndex((a) => a.op === "sym" && a.v === "d");
    if (d >= 0 && j > d) {
      const body = args.filter((_, k) => k !== d && k !== j);
      const at = span(args[d], args.at(-1));
      return node("∂", body.length ? [body.length > 1 ? node("mul", body, at) : body[0]] : [], at, { wrt: [letter(args[j].args[0])] });
    }
    if (i >= 0 && j >= 0) {
      const rest = args.filter((_, k) => k !== i && k !== j);
      const d = node("∂", [letter(args[i])], span(args[i], args[j]), { wrt: [letter(args[j].args[0])] });
      return tidy(rest.length ? { ...n, args: [d, ...rest] } : d);
    }
  }
  return isD(n) && n.v !== "dx" && n.v !== "dt" ? node("∂", [letter(n)], n) : { ...n, args };
}
const isD = (n) => n.op === "sym" && /^d[a-z]$/.test(n.v) && n.v !== "dt_";
const letter = (n) => ({ ...n, v: n.v[1] });

export const size = (n) => (n.size ??= 1 + n.args.reduce((total, a) => total + size(a), 0));

/** A tree as text: sums and products sorted, indices left out; letters as name gives them. */
export const LARGE = 60; // nodes of a tree that is compared as a whole
export const SORTED = new Set(["add", "mul", "∩", "∪", "="]);
function shape(n, name, memo) {
  if (n.op === "num") return name === wildName && isGiven(n) ? "x" : n.v;
  if (n.op === "sym") return name(n);
  if (size(n) > LARGE) return n.op;
  if (memo && n[memo]) return n[memo];
  const args = n.args.map((a) => shape(a, name, memo));
  if (SORTED.has(n.op)) args.sort();
  const text = `${n.op === "fn" ? name(n) : n.op}(${args.join()})`;
  if (memo) n[memo] = text;
  return text;
}
/** 0.01 and 10000 may be a letter elsewhere. */
export const isGiven = (n) => n.op === "num" && (n.v.includes(".") || Number(n.v) > 10);
/** An index that is part of a name: W_1, p_data, π_θ, but not x_i. */
export const ofName = (n) => (n.sub ?? []).filter((x) => (x.op === "num" || (x.op === "sym" && !/^[a-z]$/.test(x.v))) && !x.sub).map((x) => `_${x.v}`).join("");
export const exactName = (n) => (n.acc ? `${n.acc}:` : "") + (n.call ? `${n.v}[${n.call.map((a) => shape(a, exactName))}]` : n.v);
export const isWord = (n) => n.v.length > 1 && !GREEK_NAMES.has(n.v) && (n.op === "fn" || n.v === "sigma");
export const wildName = (n) => (n.op === "sym" ? (NAMED.has(n.v) ? n.v : "x") : isWord(n) || n.v === "sigma" || n.v === "Gamma" ? n.v : "f");
export const exact = (n) => shape(n, exactName, "exact");
export const wild = (n) => shape(n, wildName, "wild");

/** The tree in words, the same for notations of the same formula. */
export const canonical = (text) => parse(text).map((n) => exact(n)).join("; ");
