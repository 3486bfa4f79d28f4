(() => {
  "use strict";
  const form = document.querySelector(".filters");
  const rows = [...document.querySelectorAll(".requirement")];
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const text = form.querySelector("input[type=search]");
  const count = form.querySelector("output");
  const chosen = (name) => {
    const on = boxes.filter((box) => box.name === name && box.checked).map((box) => box.value);
    return on.length ? on : boxes.filter((box) => box.name === name).map((box) => box.value);
  };
  const filter = () => {
    const levels = chosen("level"), verdicts = chosen("verdict"), words = text.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const summary = row.querySelector("summary").textContent.toLowerCase();
      const fits = levels.includes(row.dataset.level) && verdicts.includes(row.dataset.verdict)
        && words.every((word) => summary.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    for (const area of document.querySelectorAll("section.area"))
      area.hidden = !area.querySelector(".requirement:not([hidden])");
    count.value = `${shown} of ${rows.length}`;
  };
  const reveal = () => {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row || !rows.includes(row)) return;
    row.hidden = false;
    row.closest("section.area").hidden = false;
    row.open = true;
    row.scrollIntoView();
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  addEventListener("hashchange", reveal);
  form.hidden = false;
  filter();
  reveal();
  const copied = async (line) => {
    try {
      await navigator.clipboard.writeText(line.textContent);
    } catch {  // some browsers do not allow a page from a file to use the clipboard
      getSelection().selectAllChildren(line);
      document.execCommand("copy");
    }
  };
  for (const button of document.querySelectorAll(".curl button")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copied(button.previousElementSibling);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
})();
