// What a run has found wrong. One is enough to fail it.

export class Findings {
  readonly list: string[] = [];

  add(text: string): void {
    this.list.push(text);
  }

  get isClean(): boolean {
    return this.list.length === 0;
  }
}
