// Glob patterns as KEYS, SCAN, PSUBSCRIBE and CONFIG GET take them: `*`, `?`, `[abc]`, `[^a-z]`, and `\` to escape. It
// decides exactly as Redis' stringmatchlen, in the odd cases too:
//
//   [z-a]     a range may be reversed              [a-]   the range from `a` to `]`, of a class that never closes
//   [abc      closes at the end of the pattern     []     matches nothing,  [^] anything
//   a\        a lone backslash at the end is itself
//   the empty text matches the empty pattern alone, not even `*` (KEYS and SCAN let a bare `*` pass without asking)
//   bytes above 127 are below the others within a range, as `char` is signed where Redis is at home
//   a pattern in which more than 1000 stars are reached matches nothing
//
// Only the last star reached is ever tried at another place: what stands before it matched as early as could be, so a later
// match of it can only leave less text. The cost is then O(text x pattern) at worst, for `a*a*a*a*b` too.

const star = 0x2a;
const question = 0x3f;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const caret = 0x5e;
const dash = 0x2d;

const starsMax = 1000;

/** Whether `text` as a whole matches `pattern`; both are byte strings. `ignoreCase` is for ASCII letters. */
export function matchesGlob(pattern: string, text: string, ignoreCase = false): boolean {
  if (text.length === 0) return pattern.length === 0;
  let at = 0;
  let place = 0;
  let stars = 0;
  let retryAt = -1;
  let retryPlace = 0;
  while (place < text.length) {
    if (pattern.charCodeAt(at) === star) {
      at = skipStars(pattern, at);
      if (at === pattern.length) return true;
      stars += 1;
      if (stars > starsMax) return false;
      retryAt = at;
      retryPlace = place;
      continue;
    }
    const next = matchOne(pattern, at, text.charCodeAt(place), ignoreCase);
    if (next >= 0) {
      at = next;
      place += 1;
    } else {
      if (retryAt < 0) return false;
      retryPlace += 1;
      at = retryAt;
      place = retryPlace;
    }
  }
  return skipStars(pattern, at) === pattern.length;
}

/** The position after the stars that stand at `at`, if any. */
function skipStars(pattern: string, at: number): number {
  while (pattern.charCodeAt(at) === star) at += 1;
  return at;
}

/** The position after the element at `at` if it matches the byte `code`; -1 if it does not, or the pattern has ended. */
function matchOne(pattern: string, at: number, code: number, ignoreCase: boolean): number {
  if (at >= pattern.length) return -1;
  const element = pattern.charCodeAt(at);
  if (element === question) return at + 1;
  if (element === openBracket) return matchClass(pattern, at + 1, code, ignoreCase);
  if (element === backslash && at + 1 < pattern.length) {
    return isSame(pattern.charCodeAt(at + 1), code, ignoreCase) ? at + 2 : -1;
  }
  return isSame(element, code, ignoreCase) ? at + 1 : -1;
}

/** As {@link matchOne}, for the class whose bracket was opened before `at`. */
function matchClass(pattern: string, at: number, code: number, ignoreCase: boolean): number {
  const negated = pattern.charCodeAt(at) === caret;
  if (negated) at += 1;
  let found = false;
  while (at < pattern.length) {
    const element = pattern.charCodeAt(at);
    if (element === backslash && at + 1 < pattern.length) {
      // Redis minds the case of an escaped byte even where it ignores case.
      if (pattern.charCodeAt(at + 1) === code) found = true;
      at += 2;
    } else if (element === closeBracket) {
      at += 1;
      break;
    } else if (at + 2 < pattern.length && pattern.charCodeAt(at + 1) === dash) {
      if (isWithin(element, pattern.charCodeAt(at + 2), code, ignoreCase)) found = true;
      at += 3;
    } else {
      if (isSame(element, code, ignoreCase)) found = true;
      at += 1;
    }
  }
  return found === negated ? -1 : at;
}

function isWithin(from: number, to: number, code: number, ignoreCase: boolean): boolean {
  let low = Math.min(signed(from), signed(to));
  let high = Math.max(signed(from), signed(to));
  let value = signed(code);
  if (ignoreCase) {
    low = lowerCase(low);
    high = lowerCase(high);
    value = lowerCase(value);
  }
  return value >= low && value <= high;
}

function isSame(a: number, b: number, ignoreCase: boolean): boolean {
  return a === b || (ignoreCase && lowerCase(a) === lowerCase(b));
}

/** A byte as C's `signed char`. */
function signed(code: number): number {
  return code < 128 ? code : code - 256;
}

function lowerCase(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}
