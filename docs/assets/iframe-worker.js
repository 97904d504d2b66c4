// Browsers start no workers from file:// pages, and the search runs in one. There it runs in a hidden frame instead.
if (location.protocol === 'file:') {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement('iframe');
      frame.hidden = true;
      document.body.appendChild(frame);
      const inside = frame.contentWindow;
      this.ready = new Promise((resolve) => {
        const script = inside.document.createElement('script');
        script.src = url;
        script.onload = () => resolve(inside);
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent('message', {data}));
        inside.document.body.appendChild(script);
      });
    }
    postMessage(data) {
      this.ready.then((inside) => inside.dispatchEvent(new MessageEvent('message', {data})));
    }
  };
}
