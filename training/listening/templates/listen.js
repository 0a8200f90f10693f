"use strict";
// Counts the answers, plays one excerpt at a time, and saves the answers as JSON.
(() => {
  const form = document.querySelector("[data-test]"), status = form.querySelector("[data-status]");
  const items = [...form.querySelectorAll("[data-excerpt]")], sounds = [...form.querySelectorAll("audio")];
  const listener = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  let address = null, isSaved = true;

  const votes = () => items.flatMap((item) => {
    const answer = item.querySelector("[type=radio]:checked"), known = item.querySelector("[type=checkbox]").checked;
    item.classList.toggle("answered", answer !== null);
    return answer ? [{ excerpt: Number(item.dataset.excerpt), answer: answer.value, known, seal: item.dataset.seal }] : [];
  });

  const count = () => `${votes().length} of ${items.length} answered.`;

  const save = () => {
    const cast = votes();
    if (cast.length === 0) {
      status.textContent = "Nothing is answered yet.";
      return;
    }
    const name = `votes-${form.dataset.test}-${listener}.json`;
    const ballot = { format: Number(form.dataset.format), test: form.dataset.test, listener, votes: cast };
    if (address !== null) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([JSON.stringify(ballot, null, 1) + "\n"], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    form.append(link);
    link.click();
    link.remove();
    isSaved = true;
    status.textContent = `${count()} Saved as ${name}. Send this file back.`;
  };

  form.addEventListener("change", () => {
    isSaved = false;
    status.textContent = count();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[data-save]").addEventListener("click", save);
  for (const sound of sounds) {
    sound.addEventListener("play", () => sounds.forEach((other) => other === sound || other.pause()));
  }
  addEventListener("beforeunload", (event) => {
    if (!isSaved) event.preventDefault();
  });
  status.textContent = count();
})();
