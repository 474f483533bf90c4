/**
 * Jitney for web pages: live messages, durable receiving and sending over one
 * WebSocket, which is opened anew when it breaks. One file, no dependencies.
 * A broker serves it itself:
 *
 *   import { connect } from "/-/jitney.js";
 *
 *   // Live messages of a router that sends to all, for as long as the page is open.
 *   const news = connect("/news");
 *   news.subscribe((message) => console.log(message.body));
 *   const result = await news.send({ body: "hello", label: "greeting" });
 *
 *   // Messages of a queue, a subscription or a router that sends to one. Each is
 *   // locked; when the function is done it is completed, when it throws abandoned.
 *   const orders = connect("/orders", { onstate: (state) => console.log(state) });
 *   orders.receive(async (message) => { await work(message.body); }, { credit: 10 });
 *
 * connect(url, options) begins at once and returns a Connection. The url is a
 * path at the page's own host, or an http, https, ws or wss URL of a broker
 * that allows the page's origin (jitney serve --origin). options:
 *
 *   onstate(state, detail)  is told of each change of state:
 *       "connecting"  detail is undefined
 *       "open"        detail is undefined
 *       "waiting"     for the next try; detail is { code, reason, delay in ms }
 *       "closed"      for good; detail is { code, reason }
 *   minDelay, maxDelay      bound the pause between two tries, in ms; 250 and 30,000
 *   WebSocket               the class to use instead of the browser's
 *
 * A message is the object of docs/protocol.md, clause M: body (text, or any JSON
 * value) or bodyBase64, messageId, label, properties and so on; bytes(message)
 * returns the body as a Uint8Array whatever its form.
 *
 * Connection:
 *
 *   state               as above
 *   subscribe(fn)       has fn(message) called for messages that are not locked;
 *                       returns a function that ends that
 *   receive(fn, {credit})  has fn(message) called for messages that are locked, at
 *                       most credit (1 to 1,000; default 1) of them at a time. fn can
 *                       settle a message itself: message.settle(disposition, {delay,
 *                       at, reason, description}), and make its lock last:
 *                       message.renew(duration in seconds). Returns a function that
 *                       ends it: those under way still come to their end
 *   send(m)             m is a message, a string or a Uint8Array; the promise is of
 *                       { sequenceNumber }, { deliveries } or { outcome }
 *   send([m, …])        the same for several, all of them in one commit or none; the
 *                       promise is of an array
 *   settle([{lock, disposition, …}, …]), renew([{lock, duration}, …])
 *                       promises of arrays of { lock, status, reason, lockedUntilUtc }
 *   close()             ends it; the promise is fulfilled when it has ended
 *
 * What is called while there is no connection waits for one. A promise is
 * rejected with a JitneyError: problem is what the broker says (RFC 9457), or
 * undefined if the connection broke before the answer; then unknown is true if
 * the broker may have done what was asked for.
 *
 * What is not settled when a connection ends is delivered again. Messages of a
 * router that sends to all are missed while there is no connection.
 */

const SUBPROTOCOL = "jitney.push.v1";
const MAX_CREDIT = 1000;
const MAX_WAITING = 10000; // calls that wait for a connection

/** JitneyError is why a promise is rejected. */
export class JitneyError extends Error {
  constructor(text, { problem, unknown = false } = {}) {
    super(text);
    this.name = "JitneyError";
    this.problem = problem;
    this.unknown = unknown;
  }
}

/** connect opens a Connection at a name. */
export function connect(url, options = {}) {
  return new Connection(socketURL(url), options);
}

/** bytes returns the body of a message as a Uint8Array. */
export function bytes(message) {
  if (message.bodyBase64 !== undefined) {
    return Uint8Array.from(atob(message.bodyBase64), (c) => c.charCodeAt(0));
  }
  if (message.body === undefined) {
    return new Uint8Array();
  }
  const text = typeof message.body === "string" ? message.body : JSON.stringify(message.body);
  return new TextEncoder().encode(text);
}

function socketURL(url) {
  const u = new URL(url, globalThis.location?.href);
  u.protocol = u.protocol.replace(/^http/, "ws");
  u.hash = "";
  return u.href;
}

function messageOf(m) {
  if (typeof m === "string") {
    return { body: m };
  }
  if (m instanceof Uint8Array) {
    let binary = "";
    for (const b of m) binary += String.fromCharCode(b);
    return { bodyBase64: btoa(binary) };
  }
  return m;
}

/** final are the codes after which another try would end in the same way. */
const isFinal = (code) =>
  (code >= 4400 && code < 4500) || code === 1003 || code === 1007 || code === 1008 || code === 1009;

class Connection {
  #url;
  #options;
  #socket; // undefined while there is none
  #state = "connecting";
  #failures = 0;
  #timer;
  #lastRef = 0;
  #calls = new Map(); // by ref, those that were written
  #waiting = []; // calls that were not
  #subscribers = new Set();
  #receiver; // { fn, credit }
  #closed; // resolves close()
  #settlements = []; // of receive, to be written together
  #online = () => this.#state === "waiting" && this.#open();

  constructor(url, options) {
    this.#url = url;
    this.#options = { minDelay: 250, maxDelay: 30000, WebSocket: globalThis.WebSocket, ...options };
    this.closed = new Promise((resolve) => (this.#closed = resolve));
    globalThis.addEventListener?.("online", this.#online);
    this.#open();
  }

  get state() {
    return this.#state;
  }

  subscribe(fn) {
    this.#subscribers.add(fn);
    return () => this.#subscribers.delete(fn);
  }

  receive(fn, { credit = 1 } = {}) {
    if (this.#receiver) {
      throw new JitneyError("the connection has a receiver already");
    }
    if (!Number.isInteger(credit) || credit < 1 || credit > MAX_CREDIT) {
      throw new JitneyError(`credit is ${credit}, want 1 to ${MAX_CREDIT}`);
    }
    const receiver = { fn, credit };
    this.#receiver = receiver;
    if (this.#state === "open") {
      this.#credit(this.#socket, credit);
    }
    return () => {
      if (this.#receiver === receiver) this.#receiver = undefined;
    };
  }

  async send(messages) {
    const several = Array.isArray(messages);
    const list = several ? messages : [messages];
    const { sent } = await this.#call({ send: list.map(messageOf) });
    return several ? sent : sent[0];
  }

  async settle(settlements) {
    return (await this.#call({ settle: settlements })).settled;
  }

  async renew(renewals) {
    return (await this.#call({ renew: renewals })).renewed;
  }

  close() {
    clearTimeout(this.#timer);
    if (this.#socket) {
      this.#change("closing");
      this.#socket.close(1000);
    } else {
      this.#end({ code: 1000, reason: "" });
    }
    return this.closed;
  }

  #change(state, detail) {
    this.#state = state;
    if (state !== "closing") this.#options.onstate?.(state, detail);
  }

  #open() {
    clearTimeout(this.#timer);
    this.#change("connecting");
    const socket = new this.#options.WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#got(socket, JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  #opened(socket) {
    this.#failures = 0;
    this.#change("open");
    if (this.#receiver) this.#credit(socket, this.#receiver.credit);
    for (const call of this.#waiting.splice(0)) this.#write(call);
  }

  #lost(code, reason) {
    this.#socket = undefined;
    const lost = new JitneyError(`the connection ended (${code}${reason && " " + reason}) before the answer`, { unknown: true });
    for (const { reject } of this.#calls.values()) reject(lost);
    this.#calls.clear();
    if (this.#state === "closing" || isFinal(code)) {
      this.#end({ code, reason });
      return;
    }
    const bound = Math.min(this.#options.minDelay * 2 ** this.#failures++, this.#options.maxDelay);
    const delay = bound * (0.5 + Math.random() / 2); // those who lost it together do not come back together
    this.#timer = setTimeout(() => this.#open(), delay);
    this.#change("waiting", { code, reason, delay });
  }

  #end(detail) {
    globalThis.removeEventListener?.("online", this.#online);
    for (const { reject } of this.#waiting.splice(0)) reject(new JitneyError("the connection is closed"));
    if (this.#state === "closed") return;
    this.#change("closed", detail);
    this.#closed(detail);
  }

  #call(frame) {
    return new Promise((resolve, reject) => {
      const call = { frame, resolve, reject };
      if (this.#state === "open") {
        this.#write(call);
      } else if (this.#state === "closed" || this.#state === "closing") {
        reject(new JitneyError("the connection is closed"));
      } else if (this.#waiting.length >= MAX_WAITING) {
        reject(new JitneyError("too much waits for a connection"));
      } else {
        this.#waiting.push(call);
      }
    });
  }

  #write(call) {
    const ref = ++this.#lastRef;
    this.#calls.set(ref, call);
    this.#socket.send(JSON.stringify({ ...call.frame, ref }));
  }

  #credit(socket, n) {
    if (socket === this.#socket && socket.readyState === 1) socket.send(`{"credit":${n}}`);
  }

  #got(socket, frame) {
    if (frame.deliver) {
      this.#deliver(socket, frame.deliver);
      return;
    }
    const call = this.#calls.get(frame.ref);
    this.#calls.delete(frame.ref);
    if (frame.error) {
      call?.reject(new JitneyError(frame.error.detail ?? frame.error.title, { problem: frame.error }));
    } else {
      call?.resolve(frame);
    }
  }

  #deliver(socket, message) {
    if (message.lock === undefined) {
      for (const fn of this.#subscribers) fn(message);
    } else {
      this.#work(socket, message);
    }
  }

  // #work has a message worked on and settled, and then allows another one.
  async #work(socket, message) {
    const receiver = this.#receiver;
    let settled = false;
    const own = {
      settle: (disposition, more = {}) => {
        settled = true;
        return this.#settleSoon({ lock: message.lock, disposition, ...more });
      },
      renew: async (duration) => (await this.renew([{ lock: message.lock, duration }]))[0],
    };
    for (const name in own) Object.defineProperty(message, name, { value: own[name] });
    let disposition = receiver ? "complete" : "release";
    try {
      await receiver?.fn(message);
    } catch (error) {
      disposition = "abandon";
      console.error("jitney: a message is abandoned", error);
    }
    if (!settled && socket === this.#socket) own.settle(disposition).catch(() => {}); // else it comes again
    if (receiver && receiver === this.#receiver) this.#credit(socket, 1);
  }

  // #settleSoon settles together what is settled in one turn.
  #settleSoon(settlement) {
    return new Promise((resolve, reject) => {
      this.#settlements.push({ settlement, resolve, reject });
      if (this.#settlements.length > 1) return;
      queueMicrotask(async () => {
        const list = this.#settlements.splice(0);
        try {
          const results = await this.settle(list.map((one) => one.settlement));
          list.forEach((one, i) => one.resolve(results[i]));
        } catch (error) {
          list.forEach((one) => one.reject(error));
        }
      });
    });
  }
}
