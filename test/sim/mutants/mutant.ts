// What a planted bug is: a few exact replacements in the sources. The sources themselves know nothing of it: plant.ts
// changes them as they are loaded. A text that is not there exactly once is an error, so that a catalogue that has fallen
// behind the sources is noticed at once.

/** One replacement; `find` stands exactly once in `file`. */
export interface Edit {
  /** Below src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A bug that a careless change could bring. */
export interface Mutant {
  readonly name: string;
  /** What goes wrong, in one line. */
  readonly summary: string;
  readonly edits: readonly Edit[];
}

/** `source` with the bug in it. Throws when an edit does not fit. */
export function planted(source: string, edits: readonly Edit[]): string {
  let text = source;
  for (const { file, find, replace } of edits) {
    const places = text.split(find).length - 1;
    if (places !== 1) throw new Error(`${file} has ${places} places like this, not one: ${find}`);
    text = text.replace(find, () => replace);
  }
  return text;
}
