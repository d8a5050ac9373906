"use strict";
// Changes in a document's text: arrow keys go from one to the next, and what was done stands in a panel below.
// Everything works without this file: every change has a tooltip and a row in the table of findings.
(() => {
  const facets = document.querySelector("details.facets");
  if (facets && window.matchMedia("(max-width: 52rem)").matches) facets.open = false;

  const text = document.querySelector(".walk");
  const panel = document.getElementById("proof");
  if (!text || !panel) return;
  const changes = Array.from(text.querySelectorAll(".change"));

  const line = (name, value) => {
    const item = document.createElement("span");
    item.className = name;
    item.textContent = value;
    return item;
  };

  const show = (change) => {
    panel.replaceChildren();
    for (const number of (change.dataset.findings || "").split(" ").filter(Boolean).slice(-3)) {
      const row = document.getElementById("t" + number);
      const entry = document.createElement("p");
      if (row) {
        const cells = row.cells;
        entry.append(
          line("rule-name", row.dataset.rule), " ", line("badge", cells[4].textContent), " ",
          line("why", cells[5].textContent.trim()),
        );
      } else {
        entry.append(line("why", change.title));
      }
      panel.append(entry);
    }
    panel.hidden = !panel.hasChildNodes();
  };

  const hide = () => { panel.hidden = true; };

  const go = (index) => {
    const target = changes[Math.max(0, Math.min(changes.length - 1, index))];
    if (!target) return;
    for (const change of changes) change.tabIndex = -1;
    target.tabIndex = 0;
    target.focus();
    target.scrollIntoView({ block: "nearest" });
  };

  text.addEventListener("mouseover", (event) => {
    const change = event.target.closest(".change");
    if (change) show(change);
  });
  text.addEventListener("mouseleave", () => {
    if (!text.contains(document.activeElement)) hide();
  });
  text.addEventListener("focusin", (event) => {
    const change = event.target.closest(".change");
    if (change) show(change);
  });
  text.addEventListener("focusout", (event) => {
    if (!text.contains(event.relatedTarget)) hide();
  });
  text.addEventListener("keydown", (event) => {
    const at = changes.indexOf(event.target.closest(".change"));
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: changes.length - 1 };
    if (event.key in steps) {
      event.preventDefault();
      go(steps[event.key]);
    } else if (event.key === "Escape") {
      hide();
    }
  });
  const named = () => {
    if (/^#f\d+$/.test(location.hash)) {
      const index = changes.findIndex((change) => change.dataset.findings.split(" ").includes(location.hash.slice(2)));
      if (index >= 0) go(index);
    }
  };
  window.addEventListener("hashchange", named);
  named();
})();
