/** A keyed copy of a watched collection, with those who want to know of changes. */

/** One entry that came, changed or went (`after` undefined). */
export interface Change<T> {
  readonly key: string
  readonly before: T | undefined
  readonly after: T | undefined
}

export type ChangeListener<T> = (change: Change<T>) => void

interface Entry<T> {
  readonly version: string
  readonly value: T
}

export class Store<T> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #listeners = new Set<ChangeListener<T>>()
  readonly #waiting = new Set<() => void>()
  #synced = false

  /** Whether the collection was read completely at least once. */
  get synced(): boolean {
    return this.#synced
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value
  }

  *values(): Iterable<T> {
    for (const { value } of this.#entries.values()) yield value
  }

  /** Hears of every change from now on, until the returned function is called. */
  onChange(listener: ChangeListener<T>): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Resolves once the collection was read completely, or `signal` aborts. */
  untilSynced(signal: AbortSignal): Promise<void> {
    if (this.#synced || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** A new version whose kept part is the same value changes nothing for anyone: nodes report every few minutes. */
  put(key: string, version: string, value: T): void {
    const before = this.#entries.get(key)
    if (before?.version === version) return
    this.#entries.set(key, { version, value })
    if (before !== undefined && Object.is(before.value, value)) return
    this.#tell({ key, before: before?.value, after: value })
  }

  remove(key: string): void {
    const before = this.#entries.get(key)
    if (before === undefined) return
    this.#entries.delete(key)
    this.#tell({ key, before: before.value, after: undefined })
  }

  /** Makes the content equal to a complete reading; only differences are told. */
  replaceAll(entries: Iterable<readonly [key: string, version: string, value: T]>): void {
    const gone = new Set(this.#entries.keys())
    for (const [key, version, value] of entries) {
      gone.delete(key)
      this.put(key, version, value)
    }
    for (const key of gone) this.remove(key)
    this.#synced = true
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  #tell(change: Change<T>): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}
