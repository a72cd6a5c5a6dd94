// The conventional bridge of social security card readers, for web pages.
// Types: sscard-bridge.d.ts, generated from the table of functions.

/** A call that the bridge or the card refused; `code` is the negative return value. */
export class SscardError extends Error {
  constructor(functionName, code, message) {
    super(message);
    this.name = "SscardError";
    this.functionName = functionName;
    this.code = code;
  }
}

/** A connection to the bridge on this machine. Calls are answered in their order, one card operation at a time. */
export class SscardBridge {
  #socket;
  #waiting = [];

  constructor(socket) {
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#answered(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.#failed(new SscardError("", -12, "the bridge hung up")));
  }

  /** Connects; refused when the bridge does not run or this page's origin is not on its list. */
  static open(address = "ws://127.0.0.1:12342") {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(address);
      socket.addEventListener("open", () => resolve(new SscardBridge(socket)), { once: true });
      socket.addEventListener("error", () => reject(new SscardError("", -12, `no bridge at ${address}`)), { once: true });
    });
  }

  /** Calls a function by its name with its parameters; resolves to its outputs. */
  call(name, parameters = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new SscardError(name, -12, "the bridge is closed"));
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#socket.send(JSON.stringify({ ...parameters, function: name }));
    });
  }

  /** The eleven basic fields by their names. */
  async readCardBasics(iType = 3) {
    const { pOutInfo } = await this.call("iReadCardBas", { iType });
    const [region, socialSecurityNumber, cardNumber, cardIdentifier, name, resetInformation, version, issued, validUntil, terminal, device] =
      pOutInfo.split("|");
    return { region, socialSecurityNumber, cardNumber, cardIdentifier, name, resetInformation, version, issued, validUntil, terminal, device };
  }

  /** Hangs up; a card that was kept is let go. */
  close() {
    this.#socket.close();
  }

  #answered({ functionName, success, ...outputs }) {
    const waiting = this.#waiting.shift();
    if (success === "1") {
      waiting?.resolve(outputs);
    } else {
      waiting?.reject(new SscardError(functionName, Number(success), outputs.pOutInfo));
    }
  }

  #failed(error) {
    for (const waiting of this.#waiting.splice(0)) {
      waiting.reject(error);
    }
  }
}
