export type Name = keyof Functions;

/** The eleven basic fields, as they stand on the card. */
export interface CardBasics {
  region: string;
  socialSecurityNumber: string;
  cardNumber: string;
  cardIdentifier: string;
  name: string;
  resetInformation: string;
  version: string;
  issued: string;
  validUntil: string;
  terminal: string;
  device: string;
}

/** A call that the bridge or the card refused. */
export class SscardError extends Error {
  readonly functionName: string;
  /** The negative return value. */
  readonly code: number;
  constructor(functionName: string, code: number, message: string);
}

/** A connection to the bridge on this machine. */
export class SscardBridge {
  constructor(socket: WebSocket);
  static open(address?: string): Promise<SscardBridge>;
  call<N extends Name>(name: N, parameters?: Functions[N]["parameters"]): Promise<Functions[N]["outputs"]>;
  readCardBasics(iType?: number): Promise<CardBasics>;
  close(): void;
}
