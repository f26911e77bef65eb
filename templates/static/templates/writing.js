// A template while it is written: the preview follows every key, a placeholder is inserted where the cursor was.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const writing = document.querySelector("[data-writing]");
  const form = document.getElementById("messagetemplate_form");
  if (!writing || !form) return;
  const pane = writing.querySelector("[data-preview-pane]");
  const inserting = writing.querySelector("[data-inserting]");
  const body = document.getElementById("id_body");
  const subject = document.getElementById("id_subject");
  const channel = document.getElementById("id_channel");
  const row = (input) => input.closest(".field-row") || input;
  let last = body;

  // The picker stands over the body, the preview under the message's fields.
  body.before(inserting);
  inserting.hidden = false;
  const media = document.getElementById("id_media_url");
  row(media).after(pane);

  let timer, asked = 0;
  async function preview() {
    const mine = ++asked;
    const answer = await fetch(writing.dataset.preview, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value,
      },
      body: JSON.stringify({
        id: writing.dataset.id, channel: channel.value, subject: subject.value, body: body.value,
        media_url: media.value, variants: [...form.querySelectorAll("[name=variants]")].map((one) => one.value),
      }),
    });
    // The answer is a page's piece from our own server, every value in it escaped there.
    if (answer.ok && mine === asked) pane.innerHTML = await answer.text();
  }

  function follow() {
    row(subject).hidden = channel.value.trim().toUpperCase() !== "EMAIL" && !subject.value;
  }

  form.addEventListener("input", () => { follow(); clearTimeout(timer); timer = setTimeout(preview, 250); });
  form.addEventListener("focusin", (event) => {
    if (event.target.matches("#id_body, #id_subject, [name=variants]")) last = event.target;
  });

  inserting.querySelector("select").addEventListener("change", (event) => {
    if (!event.target.value) return;
    const text = `{{${event.target.value}}}`;
    const at = last.selectionStart ?? last.value.length;
    last.setRangeText(text, at, last.selectionEnd ?? at, "end");
    event.target.value = "";
    last.focus();
    last.dispatchEvent(new Event("input", { bubbles: true }));
  });

  const variants = form.querySelector("[data-variants]");
  const blank = variants.querySelector("[data-blank]");
  const another = variants.querySelector("[data-another]");
  const pattern = blank.cloneNode(true);
  pattern.removeAttribute("data-blank");
  blank.remove();
  another.hidden = false;
  variants.querySelectorAll("[data-drop]").forEach((button) => { button.hidden = false; });
  pattern.querySelector("[data-drop]").hidden = false;
  another.addEventListener("click", () => {
    const added = pattern.cloneNode(true);
    another.before(added);
    added.querySelector("textarea").focus();
  });
  variants.addEventListener("click", (event) => {
    const drop = event.target.closest("[data-drop]");
    if (!drop) return;
    drop.closest(".prism-variant").remove();
    another.focus();
    preview();
  });
  follow();
  preview();
});
