// Notes that fall onto the keys of a player's keyboard, on a canvas: each reaches its key when it sounds.
class Falling {
  static SECONDS = 3; // that are seen
  static SEPARATE = 2; // px between a note and the next on its key
  static MUTED = 0.25; // opacity of the notes of a muted hand

  constructor(player, button, canvas) {
    this.player = player;
    this.button = button;
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    button.addEventListener("click", () => this.toggle());
    new ResizeObserver(() => this.draw(player.audio.currentTime)).observe(canvas);
  }

  toggle() {
    const is = this.canvas.hidden;
    this.canvas.hidden = !is;
    this.button.setAttribute("aria-pressed", String(is));
    this.draw(this.player.audio.currentTime);
  }

  // The second at the lower edge. Nothing moves for readers who prefer that: the picture changes with each bar.
  base(at) {
    return this.calm.matches ? this.player.barLines.reduce((last, line) => (line <= at + 0.001 ? line : last), 0) : at;
  }

  draw(at) {
    if (this.canvas.hidden) return;
    const sharp = window.devicePixelRatio || 1, width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    for (const [side, size] of [["width", width], ["height", height]]) {
      if (this.canvas[side] !== Math.round(size * sharp)) this.canvas[side] = Math.round(size * sharp);
    }
    const look = getComputedStyle(this.canvas), colour = (name) => look.getPropertyValue(name);
    const base = this.base(at), wide = width / this.player.keysWide, high = height / Falling.SECONDS;
    const y = (seconds) => height - (seconds - base) * high;
    const isSeen = (note) => note.end > base && note.start < base + Falling.SECONDS;
    this.pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    this.pen.clearRect(0, 0, width, height);
    this.pen.fillStyle = colour("--line");
    for (const line of this.player.barLines) if (line >= base && line < base + Falling.SECONDS) this.pen.fillRect(0, Math.round(y(line)), width, 1);
    for (const note of this.player.notes) {
      if (!isSeen(note)) continue;
      const key = this.player.keys.get(note.pitch), isNow = note.start <= at && at < note.end && at > 0;
      const top = Math.max(y(note.end) + Falling.SEPARATE, -9), bottom = Math.min(y(note.start), height);
      this.pen.globalAlpha = this.player.hands?.muted === note.hand ? Falling.MUTED : isNow ? 1 : 0.75;
      this.pen.fillStyle = colour(`--on-${note.hand}`);
      this.pen.beginPath();
      this.pen.roundRect(key.x.baseVal.value * wide, top, key.width.baseVal.value * wide, Math.max(3, bottom - top), 3);
      this.pen.fill();
    }
    this.pen.globalAlpha = 1;
  }
}

