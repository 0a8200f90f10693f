"use strict";
// Players: sound, clock, seek bar, piano roll with a moving play head, and score with highlighted sounding notes.
(() => {
  const STEP = 1, LEAP = 10; // seconds that an arrow key and a page key move
  const AHEAD = 0.3; // position of the play head in the visible part of the roll
  const REST = 3000; // ms without automatic scrolling after the reader scrolled
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const two = (value) => String(value).padStart(2, "0");
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${two(Math.floor(seconds % 60))}`;
  const players = [];

  class Player {
    constructor(root) {
      const find = (name) => root.querySelector(`[data-${name}]`);
      this.root = root;
      this.name = root.dataset.player;
      [this.audio, this.bar, this.button, this.range, this.now, this.total, this.view, this.sheet, this.roll, this.head, this.score] = [
        "sound", "bar", "play", "seek", "now", "total", "view", "sheet", "roll", "head", "score",
      ].map(find);
      this.page = this.score && this.score.querySelector("[data-page]");
      this.length = Number(root.dataset.seconds);
      this.until = Infinity;
      this.handUntil = 0;
      this.sounding = new Set();
      this.frame = 0;
      if (this.roll) this.readRoll();
      if (!this.audio) return;
      this.audio.controls = false;
      this.bar.hidden = false;
      for (const kind of ["play", "pause", "ended", "seeked", "timeupdate"]) this.audio.addEventListener(kind, () => this.draw());
      this.audio.addEventListener("play", () => this.start());
      this.audio.addEventListener("loadedmetadata", () => this.measure());
      this.audio.addEventListener("error", () => this.fail());
      this.button.addEventListener("click", () => this.toggle());
      this.range.addEventListener("input", () => this.seek(Number(this.range.value)));
      this.range.addEventListener("keydown", (event) => this.key(event));
      if (this.roll) this.listenToRoll();
      if (this.page) this.page.addEventListener("click", (event) => this.clickScore(event));
      for (const link of root.querySelectorAll("[data-to]")) link.addEventListener("click", (event) => this.follow(event, link));
      for (const button of root.querySelectorAll("[data-from]")) {
        button.hidden = false;
        button.addEventListener("click", () => this.playPart(Number(button.dataset.from), Number(button.dataset.until)));
      }
      this.offerSound(find("save"));
      if (this.audio.readyState > 0) this.measure();
      if (this.audio.error) this.fail();
      this.draw();
    }

    // The notes of the roll: start, end and shape.
    readRoll() {
      const svg = this.roll.querySelector("svg");
      this.left = Number(svg.dataset.left);
      this.scale = Number(svg.dataset.scale);
      this.width = svg.viewBox.baseVal.width;
      this.notes = Array.from(svg.querySelectorAll("g.left rect, g.right rect"), (shape) => {
        const start = (shape.x.baseVal.value - this.left) / this.scale;
        return { index: shape.id.match(/\d+$/)[0], start, end: start + shape.width.baseVal.value / this.scale, shape };
      });
      this.start_of = new Map(this.notes.map((note) => [note.index, note.start]));
      const keys = document.createElementNS("http://www.w3.org/2000/svg", "svg"); // does not scroll with the roll
      const height = svg.viewBox.baseVal.height;
      keys.setAttribute("viewBox", `0 0 ${this.left} ${height}`);
      keys.setAttribute("class", "roll keys");
      keys.setAttribute("aria-hidden", "true");
      for (const kind of ["white-key", "key-line", "black-key", "key-name"]) keys.append(svg.querySelector(`.${kind}`));
      keys.style.width = `${this.left}px`;
      keys.style.height = `${height}px`;
      this.roll.prepend(keys);
    }

    listenToRoll() {
      this.roll.setAttribute("role", "slider");
      this.roll.setAttribute("aria-valuemin", "0");
      this.head.hidden = false;
      this.roll.addEventListener("keydown", (event) => this.key(event));
      this.roll.addEventListener("click", (event) => {
        const inView = event.clientX - this.view.getBoundingClientRect().left;
        if (inView > this.left) this.seek((event.clientX - this.sheet.getBoundingClientRect().left - this.left) / this.scale);
      });
      for (const kind of ["wheel", "touchmove", "pointerdown"]) {
        this.view.addEventListener(kind, () => { this.handUntil = performance.now() + REST; }, { passive: true });
      }
    }

    measure() {
      if (Number.isFinite(this.audio.duration)) this.length = this.audio.duration;
      this.range.max = this.length;
      this.total.textContent = clock(this.length);
      if (!this.roll) return;
      this.roll.setAttribute("aria-valuemax", this.length.toFixed(1));
      this.sheet.style.width = `${Math.max(this.width, this.left + this.length * this.scale + 8)}px`; // room for the decay of the last note
      this.draw();
    }

    // A link that saves the sound: its file is made from what the player holds, when it is wanted.
    offerSound(place) {
      if (!place) return;
      const link = place.querySelector("a");
      const make = () => {
        if (link.href.startsWith("blob:")) return;
        const text = atob(this.audio.src.slice(this.audio.src.indexOf(",") + 1));
        link.href = URL.createObjectURL(new Blob([Uint8Array.from(text, (sign) => sign.charCodeAt(0))], { type: "audio/mpeg" }));
      };
      for (const kind of ["pointerenter", "focus", "click"]) link.addEventListener(kind, make);
      place.hidden = false;
    }

    fail() {
      this.bar.hidden = true;
      this.root.querySelector("[data-mute]").hidden = false;
    }

    toggle() {
      this.until = Infinity;
      if (this.audio.paused) this.audio.play(); else this.audio.pause();
    }

    playPart(from, until) {
      this.seek(from);
      this.until = until;
      this.audio.play();
    }

    start() {
      for (const other of players) if (other !== this && other.audio) other.audio.pause();
      cancelAnimationFrame(this.frame);
      const step = () => {
        this.draw();
        if (this.audio.currentTime >= this.until) this.audio.pause();
        if (!this.audio.paused) this.frame = requestAnimationFrame(step);
      };
      step();
    }

    seek(seconds) {
      this.audio.currentTime = Math.min(Math.max(0, seconds), this.length);
      this.until = Infinity;
      this.handUntil = 0;
      this.draw();
    }

    key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const at = this.audio.currentTime;
      const places = {
        ArrowLeft: at - STEP, ArrowRight: at + STEP, PageDown: at - LEAP, PageUp: at + LEAP, Home: 0, End: this.length,
      };
      if (event.key in places) this.seek(places[event.key]);
      else if (event.key === " ") this.toggle();
      else return;
      event.preventDefault();
    }

    follow(event, link) {
      event.preventDefault();
      this.seek(Number(link.dataset.to));
      this.roll.focus({ preventScroll: true });
      this.root.scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
    }

    clickScore(event) {
      const note = event.target.closest("[data-note]");
      if (note && this.start_of && this.start_of.has(note.dataset.note)) this.seek(this.start_of.get(note.dataset.note));
    }

    draw() {
      const at = this.audio.currentTime, playing = !this.audio.paused;
      if (this.root.classList.toggle("playing", playing) !== this.wasPlaying) {
        this.wasPlaying = playing;
        this.button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${this.name}`);
      }
      this.range.value = at;
      const said = clock(at);
      if (this.now.textContent !== said || this.said !== this.length) {
        this.said = this.length;
        this.now.textContent = said;
        for (const slider of [this.range, this.roll]) {
          if (slider) slider.setAttribute("aria-valuetext", `${said} of ${clock(this.length)}`);
        }
      }
      if (!this.roll) return;
      this.roll.setAttribute("aria-valuenow", at.toFixed(1));
      const x = this.left + at * this.scale;
      this.head.style.transform = `translateX(${x}px)`;
      this.light(at);
      this.keepInView(x, playing);
    }

    // Highlight the notes that sound now, in roll and score.
    light(at) {
      for (const note of this.notes) {
        const is = note.start <= at && at < note.end && at > 0;
        if (is === this.sounding.has(note)) continue;
        if (is) this.sounding.add(note); else this.sounding.delete(note);
        note.shape.classList.toggle("now", is);
        for (const head of this.heads(note)) head.classList.toggle("now", is);
      }
      if (this.page && this.score.open && this.sounding.size && performance.now() > this.handUntil) this.turnPage();
    }

    heads(note) {
      if (!this.page) return [];
      note.heads ??= this.page.querySelectorAll(`[data-note="${note.index}"]`);
      return note.heads;
    }

    keepInView(x, playing) {
      if (performance.now() < this.handUntil) return;
      const width = this.view.clientWidth, left = this.view.scrollLeft;
      const isOut = x < left + this.left || x > left + width - 24;
      if (isOut || (playing && !calm.matches)) {
        const wanted = isOut && calm.matches ? x - this.left - 8 : x - AHEAD * width;
        if (isOut || wanted > left) this.view.scrollLeft = wanted;
      }
    }

    turnPage() {
      const [head] = this.heads(this.sounding.values().next().value);
      if (!head) return;
      const box = this.page.getBoundingClientRect(), place = head.getBoundingClientRect();
      const line = (head.closest(".system") || head).getBoundingClientRect(); // both staves, from the first bar to the last
      if (line.top < box.top || line.bottom > box.bottom) this.page.scrollTop += line.top - box.top - 8;
      if (place.left < box.left + 8 || place.right > box.right - 8) this.page.scrollLeft += place.left - box.left - AHEAD * box.width;
    }
  }

  for (const root of document.querySelectorAll("[data-player]")) players.push(new Player(root));

  const theme = document.querySelector("[data-theme-switch]");
  if (theme) {
    const isDark = () => {
      const chosen = document.documentElement.dataset.theme;
      return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    };
    theme.hidden = false;
    theme.setAttribute("aria-pressed", String(isDark()));
    theme.addEventListener("click", () => {
      document.documentElement.dataset.theme = isDark() ? "light" : "dark";
      theme.setAttribute("aria-pressed", String(isDark()));
    });
  }
})();
