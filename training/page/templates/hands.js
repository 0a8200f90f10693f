"use strict";
// One hand alone. A second sound has the left hand in its left channel and the right hand in its right one. While a hand is
// muted, it is heard instead of the player's sound, which plays on unheard and keeps the time.
class Hands {
  static FAR = 0.25; // seconds between the two sounds at which the second one seeks; below, it catches up
  static NEAR = 0.02;
  static HURRY = 0.1; // share by which it is faster or slower then

  constructor(player, group) {
    this.player = player;
    this.group = group;
    this.muted = null;
    this.audio = null;
    this.buttons = [...group.querySelectorAll("[data-hand]")];
    for (const button of this.buttons) {
      button.addEventListener("click", () => this.mute(this.muted === button.dataset.hand ? null : button.dataset.hand));
    }
  }

  // Mute "left" or "right", or neither (null).
  mute(hand) {
    if (hand && !this.audio) this.open();
    this.muted = hand;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.hand === hand));
    this.player.root.classList.toggle("no-left", hand === "left");
    this.player.root.classList.toggle("no-right", hand === "right");
    this.player.falling?.draw(this.player.audio.currentTime);
    this.follow();
  }

  open() {
    Hands.context ??= new AudioContext();
    this.audio = new Audio(`data:audio/mpeg;base64,${this.group.dataset.hands}`);
    this.audio.preservesPitch = true;
    const channels = Hands.context.createChannelSplitter(2);
    Hands.context.createMediaElementSource(this.audio).connect(channels);
    this.gains = ["left", "right"].map((hand, channel) => {
      const gain = Hands.context.createGain();
      channels.connect(gain, channel);
      gain.connect(Hands.context.destination); // one channel is heard on both sides
      return { hand, gain: gain.gain };
    });
    this.audio.addEventListener("error", () => {
      this.mute(null);
      this.group.hidden = true;
    });
    for (const kind of ["play", "pause", "ended", "seeking", "ratechange", "volumechange", "timeupdate"]) {
      this.player.audio.addEventListener(kind, () => this.follow());
    }
    for (const kind of ["playing", "seeked"]) this.audio.addEventListener(kind, () => this.follow());
  }

  // Do what the player's sound does.
  follow() {
    const other = this.player.audio, audio = this.audio;
    if (!audio) return;
    if (other.muted !== (this.muted !== null)) other.muted = this.muted !== null;
    for (const { hand, gain } of this.gains) gain.value = this.muted === null || this.muted === hand ? 0 : other.volume;
    if (this.muted === null || other.paused) {
      audio.pause();
      return;
    }
    const behind = other.currentTime - audio.currentTime;
    if (Math.abs(behind) > Hands.FAR) {
      if (!audio.seeking) audio.currentTime = Math.min(other.currentTime, audio.duration || other.currentTime);
      audio.playbackRate = other.playbackRate;
    } else {
      audio.playbackRate = other.playbackRate * (1 + (Math.abs(behind) > Hands.NEAR ? Hands.HURRY * Math.sign(behind) : 0));
    }
    Hands.context.resume();
    if (audio.paused && !audio.ended) audio.play().catch(() => {}); // the next event tries again
  }
}
