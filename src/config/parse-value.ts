// From the text of a value to the value, by the type of its row, with Redis' texts for what is wrong. Every type has
// one canonical text, which CONFIG GET shows and which parses to the same value again.

import { unreachable } from "../base/assert.ts";
import { parseInt64 } from "../base/parse-integer.ts";
import {
  type Address,
  type AnyValue,
  type BufferLimit,
  type BufferLimits,
  type ClientClass,
  clientClasses,
  intMax,
  type OptionRow,
} from "./option.ts";

export type Parsed = { readonly text: string; readonly value: AnyValue } | { readonly error: string };

/** The port of an address in a list that names none. */
const defaultPort = 6379;
const bindAddressesMax = 16;
const memoryTextMax = 127;

const memoryUnits: Readonly<Record<string, bigint>> = {
  "": 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1_000_000n,
  mb: 1_048_576n,
  g: 1_000_000_000n,
  gb: 1_073_741_824n,
};

/** Reads `text` as a value of `row`. `current` is the option's text so far, which a partial value only amends. */
export function parseValue(row: OptionRow, text: string, current: string): Parsed {
  switch (row.type) {
    case "integer":
    case "memory":
      return parseNumber(row, text);
    case "boolean":
      return parseBoolean(text);
    case "enum":
      return parseEnum(row.values, text);
    case "string": {
      const error = row.check?.(text) ?? null;
      return error === null ? { text, value: text } : { error };
    }
    case "path":
      if (text.includes("\0")) return { error: "a path holds no zero bytes" };
      return { text, value: Buffer.from(text, "latin1").toString("utf8") };
    case "words":
      return parseWords(text);
    case "address":
    case "addresses":
      return parseAddresses(row.type, text);
    case "buffer-limits":
      return parseBufferLimits(text, current);
    case "percentiles":
      return parsePercentiles(text);
    default:
      return unreachable(row);
  }
}

/** `1k` is 1000, `1kb` is 1024, and so on; null when it is not a memory value. No digits at all count as zero. */
function parseMemory(text: string): bigint | null {
  const parts = /^(\d*)([a-z]*)$/i.exec(text);
  const unit = memoryUnits[(parts?.[2] ?? "?").toLowerCase()];
  const digits = parts?.[1] ?? "";
  if (unit === undefined || digits.length > memoryTextMax) return null;
  return BigInt(digits) * unit;
}

function parseNumber(row: Extract<OptionRow, { type: "integer" | "memory" }>, text: string): Parsed {
  const value = row.type === "memory" ? parseMemory(text) : parseInt64(text);
  if (value === null) {
    return {
      error:
        row.type === "memory"
          ? "argument must be a memory value"
          : "argument couldn't be parsed into an integer",
    };
  }
  if (value < row.min || value > row.max) {
    return { error: `argument must be between ${row.min} and ${row.max} inclusive` };
  }
  return { text: value.toString(), value: Number(value) };
}

function parseBoolean(text: string): Parsed {
  const lower = text.toLowerCase();
  if (lower !== "yes" && lower !== "no") return { error: "argument must be 'yes' or 'no'" };
  return { text: lower, value: lower === "yes" };
}

function parseEnum(values: readonly string[], text: string): Parsed {
  const word = text.toLowerCase();
  if (!values.includes(word)) {
    return { error: `argument(s) must be one of the following: ${values.join(", ")}` };
  }
  return { text: word, value: word };
}

function parseWords(text: string): Parsed {
  const words = text.split(" ").filter((word) => word !== "");
  if (words.length > bindAddressesMax) return { error: "Too many bind addresses specified." };
  return { text: words.join(" "), value: words };
}

/** A percentile as CONFIG GET and INFO show it: at most six digits after the point, without zeros at the end. */
export function formatPercentile(percentile: number): string {
  return String(Number(percentile.toFixed(6)));
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

// Redis splits at single spaces.
function parsePercentiles(text: string): Parsed {
  const percentiles: number[] = [];
  for (const word of text === "" ? [] : text.split(" ")) {
    const percentile = Number(word);
    if (!decimal.test(word)) {
      return { error: "Invalid latency-tracking-info-percentiles parameters" };
    }
    if (percentile < 0 || percentile > 100) {
      return {
        error: "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
      };
    }
    percentiles.push(percentile);
  }
  return { text: percentiles.map(formatPercentile).join(" "), value: percentiles };
}

function parseAddresses(type: "address" | "addresses", text: string): Parsed {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  if (type === "address") {
    if (parts.length === 0) return { text: "", value: null };
    const address = parts.length === 1 ? parseAddress(parts[0] ?? "", null) : null;
    if (address === null) return { error: "argument must be an address, such as 10.0.0.1:6379" };
    return { text: formatAddress(address), value: address };
  }
  const addresses: Address[] = [];
  for (const part of parts) {
    const address = parseAddress(part, defaultPort);
    if (address === null) {
      return { error: "argument must be addresses separated by commas, such as 10.0.0.1:6379,10.0.0.2:6379" };
    }
    addresses.push(address);
  }
  return { text: addresses.map(formatAddress).join(","), value: addresses };
}

/** What a member of a cluster may have for its host; no DNS name is longer. */
const hostLengthMax = 255;

/** `host:port`, `[v6]:port`, and without a port when `portIfNone` is given; null for anything else. */
export function parseAddress(text: string, portIfNone: number | null): Address | null {
  const parts = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:[\],/]+))(?::(\d{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined || host.length > hostLengthMax) return null;
  const port = parts?.[3] === undefined ? portIfNone : Number(parts[3]);
  if (port === null || port < 1 || port > 65535) return null;
  return { host, port };
}

/** The reverse of {@link parseAddress}. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

// Redis splits at single spaces, so two in a row make an empty argument and a wrong count. Classes that are not named
// keep what they have.
function parseBufferLimits(text: string, current: string): Parsed {
  const args = text === "" ? [] : text.split(" ");
  const limits: Record<ClientClass, BufferLimit> = { ...limitsOf(current) };
  if (args.length % 4 !== 0) return { error: "Wrong number of arguments in buffer limit configuration." };
  for (let at = 0; at < args.length; at += 4) {
    const name = args[at]?.toLowerCase() === "slave" ? "replica" : args[at]?.toLowerCase();
    const clientClass = clientClasses.find((known) => known === name);
    if (clientClass === undefined) {
      return { error: "Invalid client class specified in buffer limit configuration." };
    }
    const limit = parseLimit(args[at + 1] ?? "", args[at + 2] ?? "", args[at + 3] ?? "");
    if (limit === null) {
      return { error: "Error in hard, soft or soft_seconds setting in buffer limit configuration." };
    }
    limits[clientClass] = limit;
  }
  return { text: formatLimits(limits), value: limits };
}

function parseLimit(hard: string, soft: string, seconds: string): BufferLimit | null {
  const hardBytes = parseMemory(hard);
  const softBytes = parseMemory(soft);
  // strtoll: white space and a plus may come first.
  const softSeconds = /^\s*\+?\d{1,19}$/.test(seconds) ? BigInt(seconds.trim().replace("+", "")) : null;
  if (hardBytes === null || softBytes === null || softSeconds === null) return null;
  if (softSeconds > intMax) return null;
  return {
    hardBytes: Number(hardBytes),
    softBytes: Number(softBytes),
    softSeconds: Number(softSeconds),
  };
}

const noLimit: BufferLimit = { hardBytes: 0, softBytes: 0, softSeconds: 0 };

// `canonical` is a text that formatLimits made, or "" before there is one.
function limitsOf(canonical: string): BufferLimits {
  const limits: Record<ClientClass, BufferLimit> = { normal: noLimit, replica: noLimit, pubsub: noLimit };
  const args = canonical.split(" ");
  clientClasses.forEach((clientClass, position) => {
    const [hard = "", soft = "", seconds = ""] = args.slice(position * 4 + 1, position * 4 + 4);
    limits[clientClass] = parseLimit(hard, soft, seconds === "" ? "0" : seconds) ?? noLimit;
  });
  return limits;
}

// CONFIG GET still says "slave", as Redis does.
function formatLimits(limits: BufferLimits): string {
  return clientClasses
    .map((clientClass) => {
      const { hardBytes, softBytes, softSeconds } = limits[clientClass];
      return `${clientClass === "replica" ? "slave" : clientClass} ${hardBytes} ${softBytes} ${softSeconds}`;
    })
    .join(" ");
}
