// How a line of a configuration file falls into arguments, and how an argument is written so that it comes back the
// same: Redis' sdssplitargs and sdscatrepr. Inside double quotes \n \r \t \b \a \xHH and backslash-anything; inside
// single quotes only \'. A closing quote ends its argument, so white space or the end of the line must follow.

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };
const hexPair = /^[0-9a-fA-F]{2}$/;

/** The arguments of `line`, or null when its quotes do not close. */
export function splitArguments(line: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (isSpace(line[at])) at++;
    if (at >= line.length) return words;
    const word = readWord(line, at);
    if (word === null) return null;
    words.push(word.text);
    at = word.end;
  }
}

/** `text` as one argument: bare when that is safe, else in double quotes with everything unprintable escaped. */
export function quoteArgument(text: string): string {
  if (/^[A-Za-z0-9_.,:;/@%+*=~^!?&()[\]{}<>|-]+$/.test(text)) return text;
  return `"${Array.from(text, quoteChar).join("")}"`;
}

interface Word {
  readonly text: string;
  readonly end: number;
}

function readWord(line: string, start: number): Word | null {
  let text = "";
  let at = start;
  while (at < line.length && !isSpace(line[at])) {
    const char = line[at];
    if (char === '"' || char === "'") {
      const quoted = char === '"' ? readDoubleQuoted(line, at + 1) : readSingleQuoted(line, at + 1);
      if (quoted === null || (quoted.end < line.length && !isSpace(line[quoted.end]))) return null;
      return { text: text + quoted.text, end: quoted.end };
    }
    text += char;
    at++;
  }
  return { text, end: at };
}

function readDoubleQuoted(line: string, start: number): Word | null {
  let text = "";
  let at = start;
  while (at < line.length) {
    const char = line[at];
    if (char === '"') return { text, end: at + 1 };
    const next = line[at + 1];
    if (char !== "\\" || next === undefined) {
      text += char;
      at++;
    } else if (next === "x" && hexPair.test(line.slice(at + 2, at + 4))) {
      text += String.fromCharCode(Number.parseInt(line.slice(at + 2, at + 4), 16));
      at += 4;
    } else {
      text += escapes[next] ?? next;
      at += 2;
    }
  }
  return null;
}

function readSingleQuoted(line: string, start: number): Word | null {
  let text = "";
  let at = start;
  while (at < line.length) {
    if (line[at] === "'") return { text, end: at + 1 };
    if (line[at] === "\\" && line[at + 1] === "'") at++;
    text += line[at];
    at++;
  }
  return null;
}

function quoteChar(char: string): string {
  if (char === '"' || char === "\\") return `\\${char}`;
  for (const [letter, meaning] of Object.entries(escapes)) if (char === meaning) return `\\${letter}`;
  const code = char.charCodeAt(0);
  return code >= 0x20 && code < 0x7f ? char : `\\x${code.toString(16).padStart(2, "0")}`;
}

// isspace() of C; undefined is the end of the line.
function isSpace(char: string | undefined): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\v" || char === "\f" || char === "\r";
}
