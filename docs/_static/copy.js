// Buttons that copy. Each names by a selector what it copies; links to files of citations get one.
{
  const ICON = `<svg viewBox="0 0 24 24" aria-hidden="true"><rect x="8" y="8" width="12" height="12"
    rx="2"/><path d="M16 8V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h2"/></svg>`;
  let timer;
  const status = document.createElement("span");
  status.className = "copied";
  status.setAttribute("role", "status");

  // Without the LaTeX that rides along, which not every program takes.
  const presentation = (math) => {
    const copy = math.cloneNode(true);
    copy.querySelectorAll("annotation").forEach((note) => note.remove());
    copy.querySelectorAll("semantics").forEach((node) => node.replaceWith(...node.childNodes));
    return new XMLSerializer().serializeToString(copy);
  };

  // What a reader types, where there are prompts.
  const typed = (text) => {
    const prompted = text.split("\n").filter((line) => /^(>>>|\.\.\.)( |$)/.test(line));
    return prompted.length ? prompted.map((line) => line.slice(4)).join("\n") : text.trim();
  };

  const read = async (node) => {
    if (node.matches("math")) return presentation(node);
    if (node.matches("link")) return node.href;
    if (node.matches("a")) return node.dataset.text ?? (await fetch(node.href)).text();
    return typed(node.textContent);
  };

  const copy = async (button, nodes) => {
    const type = "text/plain";
    const text = Promise.all(nodes.map(read)).then(
      (texts) => new Blob([texts.join("\n\n").trim()], { type }),
    );
    clearTimeout(timer);
    status.textContent = "";
    button.after(status);
    try {
      await navigator.clipboard.write([new ClipboardItem({ [type]: text })]);
      status.textContent = "Copied";
    } catch {
      status.textContent = "Not copied";
    }
    timer = setTimeout(() => (status.textContent = ""), 2000);
  };

  const start = () => {
    for (const button of document.querySelectorAll("button[data-copy]")) {
      const nodes = [...document.querySelectorAll(button.dataset.copy)];
      button.addEventListener("click", () => copy(button, nodes));
      button.parentNode.hidden = false;
    }
    for (const link of document.querySelectorAll(".formats a")) {
      if (location.protocol === "file:" && !link.dataset.text) continue; // it cannot be read
      const pair = document.createElement("span"); // which no line break parts
      const button = document.createElement("button");
      button.type = "button";
      button.innerHTML = ICON;
      button.setAttribute("aria-label", `Copy ${link.textContent}`);
      button.addEventListener("click", () => copy(button, [link]));
      link.replaceWith(pair);
      pair.append(link, button);
    }
  };

  if (navigator.clipboard) addEventListener("DOMContentLoaded", start);
}
