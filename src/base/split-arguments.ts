// Splits a line written by a person (an inline command, a line of a configuration file) into arguments, as Redis'
// sdssplitargs does: words between blanks; "double quotes" with \n \r \t \b \a \xHH and \<any other> for itself; 'single quotes' with only
// \' special; a quote may open inside a word, but a closing one must be followed by a blank or the end.
// A zero byte ends the line, as it ends a string in C. Bytes are chars below 256; only ASCII blanks count, so bytes of
// UTF-8 text are never taken for one.

const doubleQuote = 0x22;
const singleQuote = 0x27;
const backslash = 0x5c;

/** The arguments of `text`, none for a blank one; null when its quotes are not balanced. O(length). */
export function splitArguments(text: string): string[] | null {
  const zero = text.indexOf("\0");
  const line = zero < 0 ? text : text.slice(0, zero);
  const args: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isBlank(line.charCodeAt(at))) at++;
    if (at === line.length) return args;
    let word = "";
    while (at < line.length && !endsWord(line.charCodeAt(at))) {
      const code = line.charCodeAt(at);
      if (code !== doubleQuote && code !== singleQuote) {
        word += line[at];
        at++;
        continue;
      }
      const closing = findClosingQuote(line, at);
      if (closing < 0) return null;
      const quoted = line.slice(at + 1, closing);
      word += code === doubleQuote ? unescapeDouble(quoted) : quoted.replaceAll("\\'", "'");
      at = closing + 1;
      if (at < line.length && !isBlank(line.charCodeAt(at))) return null;
      break;
    }
    args.push(word);
  }
}

/** C's isspace. */
function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** What ends a word outside quotes: not \v and \f, which only separate words that have already ended. */
function endsWord(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Where the quote opened at `open` closes; -1 when it does not. */
function findClosingQuote(line: string, open: number): number {
  const quote = line.charCodeAt(open);
  for (let at = open + 1; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === quote) return at;
    if (code !== backslash) continue;
    if (quote === doubleQuote || line.charCodeAt(at + 1) === singleQuote) at++;
  }
  return -1;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["b", "\b"],
  ["a", "\x07"],
]);

function unescapeDouble(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|([^]))/g, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (escapes.get(char) ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
