// How INFO's text is made: sections of fields, chosen by name.

/** One line: `name:value`. */
export type Field = readonly [name: string, value: string | number];

export interface Section {
  /** Lower case. */
  readonly name: string;
  readonly title: string;
  /** Selected also by this name. */
  readonly family?: string;
  /** `default`: in a plain INFO; `all`: also in INFO all; `everything`: only there. */
  readonly level: "default" | "all" | "everything";
  fields(): readonly Field[];
}

/** The sections that `names` ask for, in the order of `sections`; no name means the default ones. */
export function selectSections(sections: readonly Section[], names: readonly string[]): Section[] {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const levels = new Set<Section["level"]>();
  if (wanted.size === 0 || wanted.has("default")) levels.add("default");
  if (wanted.has("all") || wanted.has("everything")) levels.add("default").add("all");
  if (wanted.has("everything")) levels.add("everything");
  return sections.filter(
    ({ name, family, level }) =>
      levels.has(level) || wanted.has(name) || (family !== undefined && wanted.has(family)),
  );
}

/** The text of `sections`, separated by empty lines. */
export function renderSections(sections: readonly Section[]): string {
  return sections.map(renderSection).join("\r\n");
}

function renderSection(section: Section): string {
  let text = `# ${section.title}\r\n`;
  for (const [name, value] of section.fields()) text += `${name}:${value}\r\n`;
  return text;
}

const units = ["B", "K", "M", "G", "T", "P"];

/** A number of bytes as Redis' `_human` fields write it: `512B`, `1.50M`. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(2)}${units[unit]}`;
}
