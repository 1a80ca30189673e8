// One kind of object that the load works on, such as counters: its commands, their history, and the model that this is held
// against.

import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { type Answer, answerOf } from "../checker/answer.ts";
import { HistoryRecorder, type Operation } from "../checker/history.ts";
import { type CheckResult, checkLinearizable } from "../checker/linearizability.ts";
import type { Model } from "../checker/model.ts";
import type { OpenStep, Step } from "./step.ts";

/** A command as the server and as the model know it. */
export interface Planned<Input> {
  readonly args: readonly string[];
  readonly input: Input;
  readonly isWrite: boolean;
  /** Kinds of the answers that the command can have. */
  readonly kinds: readonly Answer["kind"][];
  /** What the server's answer is to the model; as it is without this. */
  readonly translate?: (answer: Answer) => Answer;
}

export interface FamilyOptions<State, Input> {
  readonly name: string;
  /** For a history of these operations. */
  readonly model: (operations: readonly Operation<Input, Answer>[]) => Model<State, Input, Answer>;
  /** A command of a client about one of the objects; `token` is a text that no other command has. */
  readonly plan: (object: number, token: string) => Planned<Input>;
  /** Reads all of an object. */
  readonly read: (object: number) => Planned<Input>;
  /** How many objects there are. */
  readonly objects: number;
  /** Adds to an input what is known only at its end. */
  readonly complete?: (operation: Operation<Input, Answer>) => Input;
}

/** What the load needs of it, whatever it is about. */
export interface LoadFamily {
  readonly name: string;
  readonly objects: number;
  plan(object: number, token: string): Step;
  read(object: number): Step;
  check(): CheckResult;
  /** For people and programs, as JSON can say it. */
  history(): readonly Operation<unknown, Answer>[];
}

export class Family<State, Input> implements LoadFamily {
  readonly #options: FamilyOptions<State, Input>;
  readonly #recorder = new HistoryRecorder<Input, Answer>();

  constructor(options: FamilyOptions<State, Input>) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get objects(): number {
    return this.#options.objects;
  }

  plan(object: number, token: string): Step {
    return this.#step(this.#options.plan(object, token));
  }

  read(object: number): Step {
    return this.#step(this.#options.read(object));
  }

  check(): CheckResult {
    const operations = this.history();
    return checkLinearizable(this.#options.model(operations), operations);
  }

  history(): readonly Operation<Input, Answer>[] {
    const { complete } = this.#options;
    const operations = this.#recorder.operations();
    if (complete === undefined) return operations;
    return operations.map((operation) => ({ ...operation, input: complete(operation) }));
  }

  #step(planned: Planned<Input>): Step {
    const { args, input, isWrite } = planned;
    return {
      args,
      isWrite,
      sent: (client, atMs) => this.#opened(this.#recorder.call(client, input, atMs), planned),
    };
  }

  #opened(id: number, { kinds, translate }: Planned<Input>): OpenStep {
    const recorder = this.#recorder;
    return {
      answered(reply: ReplyValue, atMs: number): boolean {
        const answer = answerOf(reply);
        if (answer === null || !kinds.includes(answer.kind)) return false;
        recorder.returned(id, translate?.(answer) ?? answer, atMs);
        return true;
      },
      refused: () => recorder.refused(id),
      unknown: () => recorder.unknown(id),
    };
  }
}
