// Players: sound with speed, volume and loop, clock, seek bar, piano roll with a moving play head, a keyboard whose keys
// light up, and score with highlighted sounding notes.
(() => {
  const STEP = 1, LEAP = 10; // seconds that an arrow key and a page key move
  const AHEAD = 0.3; // position of the play head in the visible part of the roll
  const REST = 3000; // ms without automatic scrolling after the reader scrolled
  const SHORTEST = 0.2; // seconds of a loop
  const LIFT = 0.05; // seconds before its end at which a note's key goes dark, so that repeated notes are seen
  const EBONY = new Set([1, 3, 6, 8, 10]); // pitch classes of the black keys
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const two = (value) => String(value).padStart(2, "0");
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${two(Math.floor(seconds % 60))}`;
  const exact = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
  const players = [];
  let latest = null; // the player that was used last

  // A piano keyboard, from A0 to C8 or wider: its drawing, and its keys by pitch.
  function drawPiano(pitches) {
    const low = Math.min(21, ...pitches), high = Math.max(108, ...pitches);
    const keys = new Map(), whites = [], blacks = [];
    const draw = (pitch, kind, x, width, height) => {
      const key = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries({ class: kind, "data-pitch": pitch, x, width, height })) key.setAttribute(name, value);
      keys.set(pitch, key);
      return key;
    };
    for (let pitch = low; pitch <= high; pitch++) {
      if (EBONY.has(pitch % 12)) blacks.push(draw(pitch, "ebony", whites.length * 10 - 3, 6, 38));
      else whites.push(draw(pitch, "ivory", whites.length * 10, 10, 60));
    }
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `0 0 ${whites.length * 10} 60`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.append(...whites, ...blacks);
    return { svg, keys };
  }

  class Player {
    constructor(root) {
      const find = (name) => root.querySelector(`[data-${name}]`);
      this.root = root;
      this.name = root.dataset.player;
      [this.audio, this.bar, this.button, this.range, this.now, this.total, this.view, this.sheet, this.roll, this.head, this.score, this.controls, this.region, this.piano] = [
        "sound", "bar", "play", "seek", "now", "total", "view", "sheet", "roll", "head", "score", "controls", "region", "piano",
      ].map(find);
      this.page = this.score && this.score.querySelector("[data-page]");
      this.length = Number(root.dataset.seconds);
      this.until = Infinity;
      this.isLooping = false;
      [this.from, this.to] = [root.dataset.loopFrom, root.dataset.loopTo].map((edge) => (edge ? Number(edge) : null)); // of the loop; null for the ends of the piece
      this.last = 0; // position when the loop was last looked at
      this.handUntil = 0;
      this.lines = [];
      this.sounding = new Set();
      this.frame = 0;
      if (this.roll) this.readRoll();
      if (!this.audio) return;
      this.audio.controls = false;
      this.bar.hidden = false;
      for (const kind of ["play", "pause", "seeked"]) this.audio.addEventListener(kind, () => this.draw());
      this.audio.addEventListener("timeupdate", () => this.advance()); // also where no frames are drawn, in a hidden tab
      this.audio.addEventListener("ended", () => this.end());
      this.audio.addEventListener("play", () => this.start());
      this.audio.addEventListener("loadedmetadata", () => this.measure());
      this.audio.addEventListener("error", () => this.fail());
      this.button.addEventListener("click", () => this.toggle());
      this.range.addEventListener("input", () => this.seek(Number(this.range.value)));
      this.range.addEventListener("keydown", (event) => this.key(event));
      if (this.roll) this.listenToRoll();
      this.listenToControls();
      if (find("hands")) this.hands = new Hands(this, find("hands"));
      if (this.roll && find("fall")) this.falling = new Falling(this, find("fall"), find("falling"));
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
      this.top = Number(svg.querySelector(".white-key").getAttribute("y"));
      this.width = svg.viewBox.baseVal.width;
      this.notes = Array.from(svg.querySelectorAll("g.left rect, g.right rect"), (shape) => {
        const start = (shape.x.baseVal.value - this.left) / this.scale;
        const end = start + shape.width.baseVal.value / this.scale;
        const pitch = Number(svg.dataset.high) - Math.round((shape.y.baseVal.value - this.top) / shape.height.baseVal.value);
        const hand = shape.parentNode.getAttribute("class");
        return { index: shape.id.match(/\d+$/)[0], start, end, lift: Math.max(start + LIFT, end - LIFT), pitch, hand, shape };
      });
      const linesOf = (kind) => Array.from(svg.querySelectorAll(kind), (path) => [...path.getAttribute("d").matchAll(/M([\d.]+)/g)]).flat()
        .map(([, x]) => (Number(x) - this.left) / this.scale);
      const bars = linesOf(".bar");
      this.lines = [...linesOf(".beat"), ...bars];
      this.barLines = [...bars, Number(this.root.dataset.bars)];
      this.firstBar = Number(svg.querySelector(".number text")?.textContent ?? 1); // 0 for a pickup
      const piano = drawPiano(this.notes.map((note) => note.pitch));
      this.keys = piano.keys;
      this.keysWide = piano.svg.viewBox.baseVal.width;
      this.piano.append(piano.svg);
      this.pressed = new Map();
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

    // Speed, volume and loop.
    listenToControls() {
      const find = (name) => this.controls.querySelector(`[data-${name}]`);
      [this.speed, this.volume, this.loop, this.whole, this.looped] = ["speed", "volume", "loop", "whole", "looped"].map(find);
      this.audio.preservesPitch = true;
      this.audio.volume = 0.5;
      this.volume.parentNode.hidden = this.audio.volume !== 0.5; // some phones leave the volume to their buttons
      this.audio.volume = 1;
      this.speed.addEventListener("input", () => {
        this.audio.playbackRate = this.speed.value / 100;
        this.tell(this.speed);
      });
      this.volume.addEventListener("input", () => {
        for (const other of players) if (other.volume) other.setVolume(Number(this.volume.value));
      });
      this.loop.addEventListener("click", () => this.setLoop(!this.isLooping));
      this.whole.addEventListener("click", () => {
        [this.from, this.to] = [null, null];
        this.loop.focus({ preventScroll: true }); // this button goes away
        this.setLoop(true);
      });
      for (const button of this.controls.querySelectorAll("[data-edge]")) {
        button.addEventListener("click", () => this.setEdge(button.dataset.edge));
      }
      this.controls.hidden = false;
    }

    setVolume(value) {
      this.audio.volume = value / 100;
      this.volume.value = value;
      this.tell(this.volume);
    }

    tell(slider) {
      const said = `${slider.value} %`;
      slider.setAttribute("aria-valuetext", said);
      slider.parentNode.querySelector("[data-told]").textContent = said.replace(" ", "\u00a0");
    }

    // Set an edge of the loop to the beat nearest to the position.
    setEdge(edge) {
      const at = this.audio.currentTime;
      const near = [0, this.length, ...this.lines].reduce((best, line) => (Math.abs(line - at) < Math.abs(best - at) ? line : best), 0);
      this[edge] = near;
      if ((this.to ?? this.length) - (this.from ?? 0) < SHORTEST) this[edge === "from" ? "to" : "from"] = null;
      if ((this.to ?? this.length) - (this.from ?? 0) < SHORTEST) this[edge] = null;
      this.setLoop(true);
      if (edge === "to" && !this.audio.paused && at >= (this.to ?? Infinity)) this.seek(this.from ?? 0);
    }

    setLoop(is) {
      const isPart = this.from !== null || this.to !== null, from = this.from ?? 0, to = this.to ?? this.length;
      this.isLooping = is;
      this.last = this.audio.currentTime;
      this.loop.setAttribute("aria-pressed", String(is));
      this.whole.hidden = !(is && isPart);
      this.looped.textContent = !is ? "" : isPart ? `${this.barsOf(from, this.to ?? Infinity)}${exact(from)}–${exact(to)}` : "whole piece";
      if (!this.roll) return;
      this.region.hidden = !(is && isPart);
      this.region.style.transform = `translateX(${this.left + from * this.scale}px)`;
      this.region.style.width = `${(to - from) * this.scale}px`;
    }

    // What is said of a part that begins and ends at bar lines, such as "bars 5–8, "; nothing of another one.
    barsOf(from, to) {
      const near = (at) => (this.barLines || []).findIndex((line) => Math.abs(line - at) < 0.02);
      const first = near(from), last = (to === Infinity ? (this.barLines || []).length - 1 : near(to)) - 1;
      if (first < 0 || last < first) return "";
      const [a, b] = [first + this.firstBar, last + this.firstBar];
      return a === b ? `bar ${a}, ` : `bars ${a}–${b}, `;
    }

    // Where the loop ends; the whole piece's at its last bar line, since the sound lasts on until the last note is silent.
    turn() {
      return Math.min(this.to ?? (this.from === null && Number(this.root.dataset.bars) || Infinity), this.length);
    }

    loops() {
      return this.isLooping && this.until === Infinity; // not while a passage is listened to
    }

    // Draw, and stop at the end of a passage or return to the start of the loop.
    advance() {
      const at = this.audio.currentTime;
      if (!this.audio.paused) {
        if (at >= this.until) this.audio.pause();
        else if (this.loops() && this.last < this.turn() && at >= this.turn()) this.audio.currentTime = this.from ?? 0;
      }
      this.last = this.audio.currentTime;
      this.draw();
    }

    // The sound is over: back to the start of the loop, and if the last bar is not, when it is.
    end() {
      const rest = this.to === null && this.from === null ? Math.max(0, Number(this.root.dataset.bars ?? 0) - this.length) : 0;
      setTimeout(() => {
        if (!this.loops() || !this.audio.ended) return;
        this.seek(this.from ?? 0);
        this.audio.play();
      }, 1000 * rest / this.audio.playbackRate);
      this.draw();
    }

    listenToRoll() {
      this.roll.setAttribute("role", "slider");
      this.roll.setAttribute("aria-valuemin", "0");
      this.head.hidden = false;
      this.piano.hidden = false;
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
      this.controls.hidden = true;
      this.root.querySelector("[data-mute]").hidden = false;
    }

    toggle() {
      this.until = Infinity;
      if (!this.audio.paused) {
        this.audio.pause();
        return;
      }
      if (this.loops() && this.audio.currentTime >= this.turn()) this.seek(this.from ?? 0);
      this.audio.play();
    }

    playPart(from, until) {
      this.seek(from);
      this.until = until;
      this.audio.play();
    }

    start() {
      for (const other of players) if (other !== this && other.audio) other.audio.pause();
      latest = this;
      cancelAnimationFrame(this.frame);
      const step = () => {
        this.advance();
        if (!this.audio.paused) this.frame = requestAnimationFrame(step);
      };
      step();
    }

    seek(seconds) {
      this.audio.currentTime = Math.min(Math.max(0, seconds), this.length);
      this.until = Infinity;
      this.handUntil = 0;
      this.last = this.audio.currentTime;
      latest = this;
      this.draw();
    }

    key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const at = this.audio.currentTime;
      const places = {
        ArrowLeft: at - STEP, ArrowRight: at + STEP, PageDown: at - LEAP, PageUp: at + LEAP, Home: 0, End: this.length,
      };
      if (event.key in places) this.seek(places[event.key]);
      else if (event.key === "a" || event.key === "b") this.setEdge(event.key === "a" ? "from" : "to");
      else if (event.key === "l") this.setLoop(!this.isLooping);
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
      this.falling?.draw(at);
    }

    // Highlight the notes that sound now, in roll and score, and their keys.
    light(at) {
      const pressed = new Map();
      for (const note of this.notes) {
        if (note.start <= at && at < note.lift && at > 0) pressed.set(note.pitch, note.hand);
        const is = note.start <= at && at < note.end && at > 0;
        if (is === this.sounding.has(note)) continue;
        if (is) this.sounding.add(note); else this.sounding.delete(note);
        note.shape.classList.toggle("now", is);
        for (const head of this.heads(note)) head.classList.toggle("now", is);
      }
      for (const pitch of new Set([...this.pressed.keys(), ...pressed.keys()])) {
        const was = this.pressed.get(pitch), is = pressed.get(pitch);
        if (was && was !== is) this.keys.get(pitch).classList.remove(was);
        if (is && was !== is) this.keys.get(pitch).classList.add(is);
      }
      this.pressed = pressed;
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

  // The space bar plays and pauses, except on controls that it operates and in tables that it scrolls.
  const heard = players.filter((player) => player.audio);
  const isSeen = (player) => {
    const box = player.root.getBoundingClientRect();
    return box.bottom > 0 && box.top < window.innerHeight;
  };
  const meant = (target) => heard.find((player) => player.root.contains(target)) || heard.find((player) => !player.audio.paused)
    || (latest && isSeen(latest) ? latest : heard.find(isSeen)) || (window.scrollY === 0 ? heard[0] : null);
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("button, summary, select, textarea, input:not([type=range]), .scroll")) return;
    const player = meant(event.target);
    if (!player) return;
    event.preventDefault();
    if (!event.repeat) player.toggle();
  });

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
      for (const player of heard) player.draw();
    });
  }
})();
