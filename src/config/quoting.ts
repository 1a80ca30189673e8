// How an argument is written in a configuration file so that it comes back the same: Redis' sdscatrepr. The way back is
// `base/split-arguments.ts`.

/** `text` as one argument: bare when that is safe, else in double quotes with everything unprintable escaped. */
export function quoteArgument(text: string): string {
  if (/^[A-Za-z0-9_.,:;/@%+*=~^!?&()[\]{}<>|-]+$/.test(text)) return text;
  return `"${Array.from(text, quoteChar).join("")}"`;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\b", "\\b"],
  ["\x07", "\\a"],
]);

function quoteChar(char: string): string {
  const escaped = escapes.get(char);
  if (escaped !== undefined) return escaped;
  const code = char.charCodeAt(0);
  return code >= 0x20 && code < 0x7f ? char : `\\x${code.toString(16).padStart(2, "0")}`;
}
