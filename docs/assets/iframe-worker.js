// Search for pages opened from the disk, where browsers start no worker: an invisible frame does its work.
// The theme's worker knows this arrangement by the name of the class.
if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker = class IFrameWorker extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html><title>search</title>";
      this.ready = new Promise((ready) => {
        frame.addEventListener("load", async () => {
          this.inside = frame.contentWindow;
          const script = (source) =>
            new Promise((done, failed) => {
              const element = this.inside.document.createElement("script");
              Object.assign(element, { src: source, onload: done, onerror: failed });
              this.inside.document.head.append(element);
            });
          const base = new URL(url, location.href);
          this.inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
          this.inside.importScripts = async (...sources) => {
            for (const source of sources) await script(new URL(source, base).href);
          };
          await script(base.href);
          ready();
        }, { once: true });
      });
      const place = () => document.body.append(frame);
      document.body ? place() : addEventListener("DOMContentLoaded", place);
    }

    async postMessage(data) {
      await this.ready;
      this.inside.dispatchEvent(new MessageEvent("message", { data }));
    }
  };
}
