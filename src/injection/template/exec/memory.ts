/** What renderings remember of one another: results that follow from recurring data alone. */
import type { Recurring } from './recurring.ts'

/** A result, and the steps it took, which count each time. */
export interface Remembered {
  readonly value: unknown
  readonly steps: number
}

/** Results of all renderings with the same recurring data, by slot. */
export class Memory {
  readonly #results: (Remembered | undefined)[] = []
  #room = MAX_ROOM

  recall(slot: number): Remembered | undefined {
    return this.#results[slot]
  }

  /** What is too large is not kept: a step pays for 64 characters of a function's result. */
  remember(slot: number, value: unknown, steps: number): void {
    const size = 64 * (steps + 1) + (typeof value === 'string' ? value.length : 0)
    if (size > this.#room) return
    this.#room -= size
    this.#results[slot] = { value, steps }
  }
}

/** Characters of results that one memory keeps, about. */
const MAX_ROOM = 512 * 1024
/** Sets of settings that are remembered; only pods with settings of their own make more than one. */
const MAX_SETTINGS = 8
/** Combinations of texts that are remembered for each. */
const MAX_COMBINATIONS = 32
/** Longer texts are not worth remembering. */
const MAX_TEXT = 8192

interface Settings {
  readonly values: readonly unknown[]
  readonly memories: Map<string, Memory>
}

/** The memories of one text, the most recent ones. */
export class Memories {
  readonly #recurring: Recurring
  readonly #keys: ReadonlySet<string>
  #settings: readonly Settings[] = []

  constructor(recurring: Recurring, keys: ReadonlySet<string>) {
    this.#recurring = recurring
    this.#keys = keys
  }

  /** The memory of renderings with the same recurring data; undefined where there should be none. */
  find(data: unknown): Memory | undefined {
    const text = this.#textOf(data)
    if (text.length > MAX_TEXT) return undefined
    const { memories } = this.#settingsOf(data)
    const memory = memories.get(text) ?? new Memory()
    memories.delete(text)
    memories.set(text, memory)
    for (const [oldest] of memories) {
      if (memories.size <= MAX_COMBINATIONS) break
      memories.delete(oldest)
    }
    return memory
  }

  /** The asked-for keys the map has, with their texts; a JSON text ends with its quote, so nothing is ambiguous. */
  #textOf(data: unknown): string {
    const texts = this.#recurring.texts.read(data) ?? {}
    let found = ''
    for (const key of Object.keys(texts)) {
      if (this.#keys.has(key)) found += JSON.stringify(key) + JSON.stringify(texts[key])
    }
    return found
  }

  #settingsOf(data: unknown): Settings {
    const values = [...this.#recurring.fields.values()].map((read) => read(data))
    const known = this.#settings.find((one) => one.values.every((value, i) => Object.is(value, values[i])))
    const settings = known ?? { values, memories: new Map<string, Memory>() }
    if (this.#settings[0] !== settings) {
      this.#settings = [settings, ...this.#settings.filter((one) => one !== settings)].slice(0, MAX_SETTINGS)
    }
    return settings
  }
}
